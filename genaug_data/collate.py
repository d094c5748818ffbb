"""From a list of items to a batch in the user's own structure, with the meta of its rows beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import default_collate

from genaug_data.errors import DataError
from genaug_data.meta import SampleMeta


class MixedItems(list):
    """The items of one batch as a plain list, which also knows where each came from.

    Args:
        items: as the user's dataset returns them.
        meta: of the rows, in the same order.
    """

    def __init__(self, items: Sequence[Any], meta: SampleMeta) -> None:
        super().__init__(items)
        self.meta = meta


@dataclass(frozen=True, slots=True)
class Collate:
    """Collates items and adds the batch's :class:`~genaug_data.meta.SampleMeta`, packed once.

    Tuples and lists get the meta as their last element, mappings under the key "meta"; any other batch becomes the
    pair (batch, meta), and so does a list of the items as they are.

    Args:
        inner: the user's own collate function.
        return_meta: False leaves the batch as ``inner`` returns it.

    Raises:
        DataError: the images of a batch differ in size, or a mapping has a key "meta" already.

    Example:
        >>> meta = SampleMeta.pack([4, 2], [None, None])
        >>> Collate()(MixedItems([(1.0, 0), (2.0, 1)], meta))
        [tensor([1., 2.], dtype=torch.float64), tensor([0, 1]), SampleMeta(2 rows, 0 synthetic)]
    """

    inner: Callable[[list[Any]], Any] = default_collate
    return_meta: bool = True

    def __call__(self, items: list[Any]) -> Any:
        """Return the batch of ``items``, with the meta of its rows if they know where they came from."""
        given = list(items)
        try:
            batch = self.inner(given)
        except TypeError as error:
            if not any(hasattr(part, "getbands") for item in given for part in _parts(item)):
                raise
            raise DataError(
                "PIL images cannot be stacked into a batch; turn them into tensors in transform= (image) or "
                "transforms= (image and mask)"
            ) from error
        except RuntimeError as error:
            shapes = sorted({tuple(shape) for item in items for shape in _image_shapes(item)})
            if len(shapes) < 2:
                raise
            raise DataError(
                f"the images of one batch must have one size, got {shapes[0]} and {shapes[-1]}; "
                "resize them in transform=, or pass a collate_fn= that pads"
            ) from error
        if not self.return_meta or not isinstance(items, MixedItems):
            return batch
        if isinstance(batch, Mapping):
            if "meta" in batch:
                raise DataError("the batch has a key 'meta' already; rename it, or pass return_meta=False")
            return {**batch, "meta": items.meta}
        if isinstance(batch, (tuple, list)) and not hasattr(batch, "_fields") and not _is_uncollated(batch, given):
            return type(batch)((*batch, items.meta))
        return batch, items.meta


def _is_uncollated(batch: Sequence[Any], items: list[Any]) -> bool:
    return len(batch) == len(items) and all(one is other for one, other in zip(batch, items, strict=True))


def _image_shapes(item: Any) -> list[Any]:
    return [part.shape for part in _parts(item) if hasattr(part, "shape") and len(part.shape) >= 2]


def _parts(item: Any) -> Iterable[Any]:
    return item.values() if isinstance(item, Mapping) else item if isinstance(item, (tuple, list)) else [item]
