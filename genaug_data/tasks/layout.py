"""How an item of the user's dataset is built: its structure, and where image and annotation are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genaug_data.errors import DataError
from genaug_data.tasks.image_format import ImageFormat
from genaug_data.tasks.label_format import LabelFormat
from genaug_data.tasks.mask_format import MaskFormat
from genaug_data.tasks.soft_label_format import SoftLabelFormat


@dataclass(frozen=True, slots=True)
class ItemLayout:
    """The structure of an item; frozen, picklable and comparable.

    Args:
        container: class of the item: tuple, list, a namedtuple, dict or OrderedDict.
        keys: all keys of a dict, in order; the positions of a sequence.
        image_key: key or position of the image.
        target_key: key or position of the annotation.
        image: how the image is stored.
        target: how the annotation is stored.

    Example:
        >>> import torch
        >>> layout = ItemLayout(
        ...     dict,
        ...     ("image", "label"),
        ...     "image",
        ...     "label",
        ...     ImageFormat("tensor", "CHW", "uint8"),
        ...     LabelFormat("int"),
        ... )
        >>> layout.build("a picture", 3)
        {'image': 'a picture', 'label': 3}
    """

    container: type
    keys: tuple[Any, ...]
    image_key: Any
    target_key: Any
    image: ImageFormat
    target: LabelFormat | SoftLabelFormat | MaskFormat

    def split(self, item: Any) -> tuple[Any, Any]:
        """Return the image and the annotation of ``item``.

        Raises:
            DataError: the item is not built like this.
        """
        found: type = type(item)
        if found is self.container:
            try:
                return item[self.image_key], item[self.target_key]
            except LookupError:
                pass
        raise DataError(
            f"an item is {describe(item)}, but the first one of the dataset is a {self.container.__name__} with "
            f"{list(self.keys)}: make them alike in the base dataset"
        )

    def replace(self, item: Any, image: Any, target: Any) -> Any:
        """Return a copy of ``item`` with another image and annotation; every other entry is kept."""
        if isinstance(item, dict):
            changed = self.container(item)
            changed[self.image_key], changed[self.target_key] = image, target
            return changed
        entries = list(item)
        entries[self.image_key], entries[self.target_key] = image, target
        return self._assemble(entries)

    def build(self, image: Any, target: Any, like: Callable[[], Any] | None = None) -> Any:
        """Return an item of this layout.

        Args:
            image: in the user's format.
            target: in the user's format.
            like: returns an item whose further entries are taken over; called only when there are some.

        Raises:
            DataError: there are further entries and no ``like``.
        """
        if len(self.keys) > 2:
            if like is None:
                raise DataError(
                    f"items have the entries {list(self.keys)}, more than image and annotation: "
                    "pass like=, a function that returns the parent's item"
                )
            return self.replace(like(), image, target)
        entries = [image if key == self.image_key else target for key in self.keys]
        return self._assemble(entries)

    def _assemble(self, entries: list[Any]) -> Any:
        if issubclass(self.container, dict):
            return self.container(zip(self.keys, entries, strict=True))
        if self.container is list:
            return entries
        make: Callable[[list[Any]], Any] = getattr(self.container, "_make", self.container)
        return make(entries)


def keys_of(item: Any) -> tuple[Any, ...] | None:
    """Return the keys or positions of an item's entries; None if such an item cannot be rebuilt."""
    if type(item) in (dict, OrderedDict):
        return tuple(item)
    if type(item) in (tuple, list) or (isinstance(item, tuple) and hasattr(item, "_make")):
        return tuple(range(len(item)))
    return None


def describe(item: Any) -> str:
    """Return, for an error, what an item is made of."""
    keys = keys_of(item)
    if keys is None:
        return f"an object of type {type(item).__name__}"
    entries = item.items() if isinstance(item, dict) else enumerate(item)
    return f"a {type(item).__name__} with " + ", ".join(f"{key!r}: {type(value).__name__}" for key, value in entries)
