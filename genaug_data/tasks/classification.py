"""Image classification: one class index per image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from genaug_data.errors import DataError
from genaug_data.sample import Sample
from genaug_data.tasks.base import Task
from genaug_data.tasks.layout import ItemLayout


@dataclass(frozen=True)
class ClassificationTask(Task):
    """One class index, at least 0, per image.

    Args:
        layout: how an item is built; None lets :func:`~genaug_data.tasks.resolve_task` find out.
        num_classes: number of classes; None if it is not known.

    Example:
        >>> import torch
        >>> from genaug_data.tasks import detect_task
        >>> task = detect_task((torch.zeros(3, 8, 8), 7))
        >>> sample = task.to_sample((torch.ones(3, 8, 8), 2))
        >>> sample.image.dtype, int(sample.image.max()), sample.target
        (torch.uint8, 255, 2)
        >>> image, label = task.to_item(sample)
        >>> image.dtype, label
        (torch.float32, 2)
    """

    name: ClassVar[str] = "classification"
    layout: ItemLayout | None = None
    num_classes: int | None = None

    def to_sample(self, item: Any) -> Sample:
        """Return ``item`` as a Sample with an int as target.

        Raises:
            DataError: the item is not built like the first one, or a value is out of range.
        """
        layout = self.known_layout
        image, label = layout.split(item)
        target = layout.target.read(label)
        if self.num_classes is not None and target >= self.num_classes:
            raise DataError(
                f"a class label must be below the number of classes, {self.num_classes}, found {target}: "
                "correct the label, or pass task=ClassificationTask(num_classes=...)"
            )
        return Sample(layout.image.read(image), target)

    def class_of(self, sample: Sample) -> int:
        """Return the label."""
        return int(sample.target)  # type: ignore[arg-type]
