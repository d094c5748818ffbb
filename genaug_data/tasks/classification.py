"""Image classification: one class index per image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from genaug_data.errors import DataError
from genaug_data.sample import Sample, Target
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
        target = int(layout.target.read(label))
        self._check_range(target)
        return Sample(layout.image.read(image), target)

    def check_target(self, target: Target) -> None:
        """Check that a label can be stored as the user's own are, and that there is such a class.

        Raises:
            DataError: it cannot, or there is none.
        """
        super().check_target(target)
        self._check_range(int(target))  # type: ignore[arg-type]

    def class_of(self, sample: Sample) -> int:
        """Return the label."""
        return int(sample.target)  # type: ignore[arg-type]

    def _check_range(self, label: int) -> None:
        if self.num_classes is not None and label >= self.num_classes:
            raise DataError(
                f"a class label must be below the number of classes, {self.num_classes}, found {label}: "
                "correct the label, or pass task=ClassificationTask(num_classes=...)"
            )
