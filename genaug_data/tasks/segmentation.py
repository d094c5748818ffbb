"""Semantic segmentation: one class id per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from genaug_data.errors import DataError
from genaug_data.sample import Sample, Target
from genaug_data.tasks.base import Task
from genaug_data.tasks.layout import ItemLayout


@dataclass(frozen=True)
class SegmentationTask(Task):
    """One class id, at least 0, per pixel, or the ignore index.

    Args:
        layout: how an item is built; None lets :func:`~genaug_data.tasks.resolve_task` find out.
        num_classes: number of classes, the ignored one not counted; None if it is not known.
        ignore_index: id of pixels that belong to no class; may be negative.

    Example:
        >>> import numpy as np
        >>> from genaug_data.tasks import detect_task
        >>> item = (np.zeros((4, 6, 3), dtype=np.uint8), np.full((4, 6), 2, dtype=np.uint8))
        >>> task = detect_task(item)
        >>> task.name, task.to_sample(item).target.shape
        ('segmentation', torch.Size([4, 6]))
        >>> task.to_item(task.to_sample(item))[1].dtype
        dtype('uint8')
    """

    name: ClassVar[str] = "segmentation"
    layout: ItemLayout | None = None
    num_classes: int | None = None
    ignore_index: int = 255

    def to_sample(self, item: Any) -> Sample:
        """Return ``item`` as a Sample with a ``tv_tensors.Mask``, int64 ``(H, W)``, as target.

        Raises:
            DataError: the item is not built like the first one, mask and image differ in size, or a value is out
                of range.
        """
        from torchvision import tv_tensors

        layout = self.known_layout
        picture, annotation = layout.split(item)
        image, mask = layout.image.read(picture), layout.target.read(annotation)
        assert isinstance(mask, torch.Tensor)
        if mask.shape != image.shape[1:]:
            raise DataError(
                f"a mask must have the size of its image, found {tuple(mask.shape)} and {tuple(image.shape[1:])}: "
                "resize both alike in the base dataset"
            )
        self._check_ids(mask)
        return Sample(image, mask.as_subclass(tv_tensors.Mask))

    def check_target(self, target: Target) -> None:
        """Check that a mask can be stored as the user's own are, and that there are such classes.

        Raises:
            DataError: it cannot, or there are not.
        """
        super().check_target(target)
        self._check_ids(torch.as_tensor(target))

    def class_of(self, sample: Sample) -> int:
        """Return 0: an image with many classes is ranked among all."""
        return 0

    def _check_ids(self, mask: torch.Tensor) -> None:
        low, high = (int(bound) for bound in mask.aminmax())
        if low >= 0 and (self.num_classes is None or high < self.num_classes):
            return
        valid = mask[mask != self.ignore_index]
        if valid.numel() == 0:
            return
        low, high = (int(bound) for bound in valid.aminmax())
        if low < 0:
            raise DataError(
                f"class ids of a mask must be at least 0 or the ignore index, {self.ignore_index}, found {low}: "
                f"pass task=SegmentationTask(ignore_index={low}) if those pixels are to be ignored"
            )
        if self.num_classes is not None and high >= self.num_classes:
            raise DataError(
                f"class ids of a mask must be below the number of classes, {self.num_classes}, or the ignore index, "
                f"{self.ignore_index}, found {high}: pass task=SegmentationTask(num_classes=..., ignore_index=...)"
            )
