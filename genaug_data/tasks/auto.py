"""Finding out which task a dataset is for, and how its items are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.tasks.base import Task
from genaug_data.tasks.classification import ClassificationTask
from genaug_data.tasks.image_format import ImageFormat, is_pil
from genaug_data.tasks.label_format import LabelFormat
from genaug_data.tasks.layout import ItemLayout, describe, keys_of
from genaug_data.tasks.mask_format import MaskFormat
from genaug_data.tasks.segmentation import SegmentationTask
from genaug_data.tasks.soft_label_format import SoftLabelFormat, is_vector
from genaug_data.tasks.view import first_item

_IMAGE_KEYS = ("pixel_values", "image", "img")
_TARGET_KEYS = ("label", "labels", "mask", "segmentation_mask", "annotation")
_BOX_KEYS = ("boxes", "bboxes", "bbox", "objects")
_TEXT_KEYS = ("text", "caption", "captions")
_RECOGNISED = (
    "recognised are (image, class index), (image, float vector of class probabilities) and (image, mask), with or "
    "without further entries, and dicts with "
    f"{'/'.join(_IMAGE_KEYS)} and {'/'.join(_TARGET_KEYS)}"
)
_SUPPORTED = "supported are classification (a class index or soft label) and segmentation (a mask of class ids)"


def detect_task(item: Any) -> Task:
    """Return the task that ``item`` belongs to, with the layout of the item.

    Args:
        item: what the user's dataset returns: (image, class index), (image, soft label: float vector ``(classes,)`` of
            sum 1) or (image, mask) as tuple, list or namedtuple, or a dict as of Hugging Face ``datasets``; images are
            PIL, uint8 or float tensors in [0, 1], or NumPy arrays.

    Raises:
        DataError: the item is none of what is recognised, or cannot be generated from.

    Example:
        >>> detect_task({"image": np.zeros((8, 8), dtype=np.uint8), "label": 3}).name
        'classification'
        >>> detect_task((torch.zeros(3, 8, 8), torch.zeros(8, 8, dtype=torch.int64))).name
        'segmentation'
    """
    layout = _find_layout(item)
    if isinstance(layout.target, MaskFormat):
        task: Task = SegmentationTask(layout)
    else:
        soft = layout.target if isinstance(layout.target, SoftLabelFormat) else None
        task = ClassificationTask(layout, None if soft is None else soft.classes, soft is not None)
    task.to_sample(item)
    return task


def resolve_task(task: str | Task, dataset: Any) -> Task:
    """Return ``task`` with what the first item of ``dataset`` tells about it filled in.

    Args:
        task: ``"auto"``, ``"classification"``, ``"segmentation"``, or a Task, whose layout may still be missing.
        dataset: the user's map-style dataset; the number of classes is taken from its ``classes``, or from the
            ``features`` of a Hugging Face dataset, where there are some.

    Raises:
        ConfigError: there is no such task, or class indices are to be soft labels of nobody knows how many classes.
        DataError: the dataset is empty or not map-style, or its items are not what the task needs.
    """
    if isinstance(task, Task):
        if not isinstance(task, (ClassificationTask, SegmentationTask)):
            return task
        if task.layout is None:
            task = replace(task, layout=_find_layout(first_item(dataset), task.name))
    elif task == "auto":
        task = detect_task(first_item(dataset))
    elif task == "classification":
        task = ClassificationTask(_find_layout(first_item(dataset), task))
    elif task == "segmentation":
        task = SegmentationTask(_find_layout(first_item(dataset), task))
    else:
        raise ConfigError(f"task must be 'auto', 'classification', 'segmentation' or a Task, found {task!r}")
    if isinstance(task, ClassificationTask):
        task = task.with_counted(_count_classes(dataset, task.known_layout.target_key))
    return task


def _find_layout(item: Any, task: str = "auto") -> ItemLayout:
    keys = keys_of(item)
    if keys is None:
        raise DataError(f"the dataset returns {describe(item)}, which is not recognised; {_RECOGNISED}")
    image_key, target_keys = _named_keys(item) if isinstance(item, dict) else _positions(item)
    target_key = _choose(item, target_keys, task)
    target = item[target_key]
    stored: LabelFormat | SoftLabelFormat | MaskFormat
    if task == "segmentation" or (task == "auto" and _is_map(target)):
        stored = MaskFormat.of(target)
    elif is_vector(target):
        stored = SoftLabelFormat.of(target)
    else:
        stored = LabelFormat.of(target)
    return ItemLayout(type(item), keys, image_key, target_key, ImageFormat.of(item[image_key]), stored)


def _positions(item: Any) -> tuple[int, list[int]]:
    if len(item) < 2:
        raise DataError(f"the dataset returns {describe(item)}, without an annotation; {_RECOGNISED}")
    return 0, [1]


def _named_keys(item: dict[Any, Any]) -> tuple[str, list[str]]:
    images = [key for key in _IMAGE_KEYS if key in item]
    targets = [key for key in _TARGET_KEYS if key in item]
    if images and any(key in item for key in _BOX_KEYS):
        raise _detection()
    if images and not targets and any(key in item for key in _TEXT_KEYS):
        raise _captioning()
    if not images or not targets:
        missing = "an annotation" if images else "an image"
        raise DataError(f"the dataset returns {describe(item)}, where {missing} is not recognised; {_RECOGNISED}")
    return images[0], targets


def _choose(item: Any, target_keys: list[Any], task: str) -> Any:
    """Return the key of the annotation that ``task`` is about; the first one where none fits, for its own error."""
    for key in target_keys:
        _refuse_other_tasks(item[key])
    maps = [key for key in target_keys if _is_map(item[key])]
    others = [key for key in target_keys if key not in maps]
    if task == "auto" and maps and others:
        raise DataError(
            f"the dataset returns both a mask ({maps[0]!r}) and a label ({others[0]!r}): "
            "pass task='segmentation' or task='classification'"
        )
    fitting = maps if task == "segmentation" else others
    return (fitting or target_keys)[0]


def _refuse_other_tasks(target: Any) -> None:
    if isinstance(target, Mapping):
        if any(key in target for key in _BOX_KEYS):
            raise _detection()
        raise DataError(
            f"an annotation must be a class index, a soft label or a mask, found {describe(target)}; {_RECOGNISED}"
        )
    is_text = isinstance(target, (list, tuple)) and len(target) > 0 and isinstance(target[0], str)
    if isinstance(target, str) or is_text:
        raise _captioning()


def _is_map(target: Any) -> bool:
    return is_pil(target) or (isinstance(target, (torch.Tensor, np.ndarray)) and target.ndim >= 2)


def _count_classes(dataset: Any, key: Any) -> int | None:
    classes = getattr(dataset, "classes", None)
    features = getattr(dataset, "features", None)
    if classes is None and isinstance(features, Mapping) and key in features:
        classes = getattr(features[key], "names", None)
    return len(classes) if isinstance(classes, (list, tuple, dict, np.ndarray)) and len(classes) else None


def _detection() -> DataError:
    return DataError(f"the annotation holds boxes, and detection is not supported yet: {_SUPPORTED}")


def _captioning() -> DataError:
    return DataError(
        f"the annotation is text, and captioning is not supported yet: {_SUPPORTED}; "
        "if the text is the name of a class, return its index from the base dataset"
    )
