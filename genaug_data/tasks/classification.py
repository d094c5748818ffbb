"""Image classification: one class index per image, or the probability of each class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Sample, Target, class_id
from genaug_data.tasks.base import Task
from genaug_data.tasks.layout import ItemLayout
from genaug_data.tasks.soft_label_format import SoftLabelFormat, is_vector


@dataclass(frozen=True)
class ClassificationTask(Task):
    """One class index, at least 0, per image; or a soft label: a float vector with the probability of each class.

    Where the dataset returns such vectors, soft labels need no asking for. Where it returns class indices,
    ``soft_labels`` shows each as the vector that gives it all of the probability, float32 ``(num_classes,)``, so that
    generators may mix labels: batches hold ``(B, num_classes)``, which ``torch.nn.functional.cross_entropy`` takes.

    Args:
        layout: how an item is built; None lets :func:`~genaug_data.tasks.resolve_task` find out.
        num_classes: number of classes; None if it is not known.
        soft_labels: whether every label is a vector.

    Example:
        >>> import torch
        >>> from genaug_data.tasks import detect_task, resolve_task
        >>> task = detect_task((torch.zeros(3, 8, 8), 7))
        >>> sample = task.to_sample((torch.ones(3, 8, 8), 2))
        >>> sample.image.dtype, int(sample.image.max()), sample.target
        (torch.uint8, 255, 2)
        >>> image, label = task.to_item(sample)
        >>> image.dtype, label
        (torch.float32, 2)
        >>> dataset = [(torch.zeros(3, 8, 8), 1)]
        >>> task = resolve_task(ClassificationTask(num_classes=3, soft_labels=True), dataset)
        >>> task.as_shown(dataset[0])[1]
        tensor([0., 1., 0.])
    """

    name: ClassVar[str] = "classification"
    layout: ItemLayout | None = None
    num_classes: int | None = None
    soft_labels: bool = False

    def to_sample(self, item: Any) -> Sample:
        """Return ``item`` as a Sample with an int, or a float tensor ``(num_classes,)``, as target.

        Raises:
            DataError: the item is not built like the first one, or a value is out of range.
        """
        layout = self.known_layout
        image, label = layout.split(item)
        target = layout.target.read(label)
        self._check_range(target)
        return Sample(layout.image.read(image), target)

    def check_target(self, target: Target) -> None:
        """Check that a label can be stored as the user's own are, and that there is such a class.

        Raises:
            DataError: it cannot, or there is none.
        """
        if self.soft_labels and not is_vector(target):
            raise DataError(
                f"the annotation must be a soft label of {self.num_classes} classes, found a {type(target).__name__}: "
                "return the parent's own, or a mixture"
            )
        super().check_target(target)
        self._check_range(target)

    def class_of(self, sample: Sample) -> int:
        """Return the label; of a soft one, the most probable class."""
        found = class_id(sample.target)
        assert found is not None
        return found

    def as_shown(self, item: Any) -> Any:
        """Return a real item as batches hold it: with a vector as its label where labels are soft.

        Raises:
            DataError: the item is not built like the first one, or its label is out of range.
        """
        if not self.soft_labels:
            return item
        layout = self.known_layout
        image, label = layout.split(item)
        if is_vector(label):
            return item
        return layout.replace(item, image, layout.target.write(layout.target.read(label)))  # type: ignore[arg-type]

    def with_counted(self, classes: int | None) -> ClassificationTask:
        """Return this task with what its layout and a number of classes, if that is known, say of each other.

        Raises:
            ConfigError: class indices are to be soft labels, and nobody says of how many classes.
            DataError: the vectors have another length than ``num_classes``.
        """
        layout = self.known_layout
        stored = layout.target
        if isinstance(stored, SoftLabelFormat):
            if self.num_classes not in (None, stored.classes):
                raise DataError(
                    f"a soft label must have one probability for each of {self.num_classes} classes, found "
                    f"{stored.classes}: correct the labels, or leave num_classes out"
                )
            return replace(self, num_classes=stored.classes, soft_labels=True)
        count = classes if self.num_classes is None else self.num_classes
        if not self.soft_labels:
            return replace(self, num_classes=count)
        if count is None or count < 2:
            raise ConfigError(
                f"soft labels need the number of classes, two at least, found {count}: pass "
                "task=ClassificationTask(num_classes=..., soft_labels=True)"
            )
        soft = SoftLabelFormat("tensor", "float32", count)
        return replace(self, layout=replace(layout, target=soft), num_classes=count)

    def _check_range(self, label: Any) -> None:
        # Every vector has the length of its format.
        if isinstance(label, int) and self.num_classes is not None and label >= self.num_classes:
            raise DataError(
                f"a class label must be below the number of classes, {self.num_classes}, found {label}: "
                "correct the label, or pass task=ClassificationTask(num_classes=...)"
            )
