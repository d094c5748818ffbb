"""Images with ``annotations.json``, as COCO has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genaug_data.cache.exchange.annotation import is_mask
from genaug_data.cache.exchange.layouts.base import Item, Layout
from genaug_data.sample import IGNORE_INDEX

_PARTS = ("images", "annotations")


class CocoLayout(Layout):
    """``images/KEY.png`` and ``annotations.json``: masks as uncompressed RLE by class, boxes, captions, classes.

    The class of a whole image is an annotation without a box; of a soft label, the most probable class with the whole
    vector as ``soft_label``. Ignored and negative values of a mask are no class.
    """

    writes_masks = False

    def __init__(self, folder: Path, classes: Sequence[str] = ()) -> None:
        super().__init__(folder, classes)
        self._stack = ExitStack()
        self._files: dict[str, Any] = {}
        self._counts = dict.fromkeys(_PARTS, 0)
        self._categories: set[int] = set(range(len(classes)))

    def place(self, item: Item) -> tuple[str, str | None]:
        """Return where its image goes."""
        return f"images/{item.key}.png", None

    def write(self, item: Item, line: str) -> None:
        """Write a variant, and note it."""
        super().write(item, line)
        _, height, width = item.sample.image.shape
        number = self._counts["images"] + 1
        image = {"id": number, "file_name": f"images/{item.key}.png", "height": height, "width": width}
        self._note("images", image | {"key": item.key})
        for annotation in _annotations(item):
            self._categories |= {annotation["category_id"]} if "category_id" in annotation else set()
            self._note("annotations", {"id": self._counts["annotations"] + 1, "image_id": number, **annotation})

    def close(self) -> None:
        """Join what was noted; it may be more than memory holds."""
        self._stack.close()
        categories = [{"id": label, "name": self.class_name(label)} for label in sorted(self._categories)]
        with (self.folder / "annotations.json").open("w") as joined:
            joined.write('{"info": {"description": "synthetic images"}')
            for part in _PARTS:
                joined.write(f', "{part}": [')
                path = self._part(part)
                if path.exists():
                    with path.open() as noted:
                        joined.writelines(noted)
                    path.unlink()
                joined.write("]")
            joined.write(f', "categories": {json.dumps(categories)}}}\n')

    def _part(self, part: str) -> Path:
        return self.folder / f"{part}.part"

    def _note(self, part: str, row: Mapping[str, Any]) -> None:
        if part not in self._files:
            self._files[part] = self._stack.enter_context(self._part(part).open("w"))
        self._files[part].write(f"{',' if self._counts[part] else ''}\n{json.dumps(row)}")
        self._counts[part] += 1


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return the lengths of the runs of a binary mask ``(H, W)``, column by column; the first is of zeros.

    Example:
        >>> run_lengths(np.array([[False, True], [True, True]]))
        [1, 3]
    """
    flat = mask.ravel(order="F")
    borders = np.flatnonzero(np.diff(flat.astype(np.int8), prepend=0))
    return np.diff(borders, prepend=0, append=len(flat)).tolist()


def _annotations(item: Item) -> Iterator[dict[str, Any]]:
    target = item.sample.target
    if item.label is not None:
        soft = {"soft_label": target.tolist()} if isinstance(target, torch.Tensor) else {}
        yield {"category_id": item.label, **soft}
    elif isinstance(target, str):
        yield {"caption": target}
    elif isinstance(target, torch.Tensor) and is_mask(target):
        ignored = {verdict.details[IGNORE_INDEX] for verdict in item.made.verdicts if IGNORE_INDEX in verdict.details}
        array = target.numpy()
        for value in np.unique(array).tolist():
            if value >= 0 and value not in ignored:
                yield {"category_id": value, "iscrowd": 0, **_region(array == value)}
    elif isinstance(target, Mapping) and {"boxes", "labels"} <= set(target):
        for (left, top, right, bottom), label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True):
            box = [left, top, right - left, bottom - top]
            yield {"category_id": label, "iscrowd": 0, "bbox": box, "area": box[2] * box[3]}


def _region(mask: np.ndarray) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    box = [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]
    return {
        "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)},
        "bbox": box,
        "area": int(mask.sum()),
    }
