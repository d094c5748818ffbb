"""What a task is: the way from the user's item to a Sample and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Sample, Target
from genaug_data.tasks.layout import ItemLayout


class Task(ABC):
    """Turns what the user's dataset returns into a Sample, and a Sample into what the user's dataset would return.

    A task holds no reference to the dataset; members are frozen dataclasses, so that they compare and pickle.

    Attributes:
        name: ``"classification"`` or ``"segmentation"``.
        layout: how an item is built; None until :func:`~genaug_data.tasks.resolve_task` has seen one.
    """

    name: ClassVar[str]
    layout: ItemLayout | None

    @abstractmethod
    def to_sample(self, item: Any) -> Sample:
        """Return ``item`` as a Sample that shares no memory with it.

        Raises:
            DataError: the item is not built like the first one, or a value is out of range.
        """

    @abstractmethod
    def class_of(self, sample: Sample) -> int:
        """Return the class within which hardness is ranked; 0 where a sample has no one class."""

    def as_shown(self, item: Any) -> Any:
        """Return a real item as batches hold it: as it is, unless a member shows another kind of annotation."""
        return item

    def to_item(self, sample: Sample, like: Callable[[], Any] | None = None) -> Any:
        """Return ``sample`` as an item that looks exactly like the user's own.

        Args:
            sample: image uint8 ``(C, H, W)`` and annotation.
            like: returns the real item whose further entries (beyond image and annotation) are taken over; called
                only when items have some.

        Raises:
            DataError: the sample does not fit the user's items, or ``like`` is missing.
        """
        layout = self.known_layout
        return layout.build(layout.image.write(sample.image), layout.target.write(sample.target), like)  # type: ignore[arg-type]

    def check_target(self, target: Target) -> None:
        """Check that an annotation can be stored as the user's own are, with every value as it is.

        Raises:
            DataError: it cannot, or a class is out of range.
        """
        stored = self.known_layout.target
        again = stored.read(stored.write(target))  # type: ignore[arg-type]
        same = torch.equal(again, torch.as_tensor(target)) if isinstance(again, torch.Tensor) else again == target
        if not same:
            raise DataError(f"the annotation does not fit the {stored} of the dataset; return the parent's own")

    def map_item(
        self,
        item: Any,
        transform: Callable[[Any], Any] | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
    ) -> Any:
        """Return a copy of ``item`` whose image, or image and annotation, went through a function.

        Args:
            item: the user's item.
            transform: applied to the image.
            transforms: applied to image and annotation together, after ``transform``.
        """
        if transform is None and transforms is None:
            return item
        layout = self.known_layout
        image, target = layout.split(item)
        if transform is not None:
            image = transform(image)
        if transforms is not None:
            image, target = transforms(image, target)
        return layout.replace(item, image, target)

    @property
    def known_layout(self) -> ItemLayout:
        """The layout.

        Raises:
            ConfigError: it is not known yet.
        """
        if self.layout is None:
            raise ConfigError(
                f"this {type(self).__name__} has not seen a dataset yet: "
                "call resolve_task(task, dataset) and use what it returns"
            )
        return self.layout
