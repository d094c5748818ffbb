"""Real examples and variants, read as the tokens of the sampler name them: what a DataLoader worker holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, SupportsIndex

import numpy as np
from torch.utils.data import Dataset

from genaug_data.cache import CacheReader
from genaug_data.collate import MixedItems
from genaug_data.meta import SampleMeta
from genaug_data.sample import Token
from genaug_data.tasks import Task


class MixedDataset(Dataset):
    """A map-style dataset whose index may also be a token that names a variant in a cache.

    Unknown attributes are the wrapped dataset's.

    Args:
        base: the wrapped dataset.
        task: shows its items, and turns variants into such.
        reader: of the cache.
        transform: applied to the image of every item, real or synthetic.
        transforms: applied to image and annotation together.
        synthetic_weight: loss weight of a synthetic row.
        held_out: bool, of each example whether it is never trained on; None for none.
    """

    def __init__(
        self,
        base: Any,
        task: Task,
        reader: CacheReader,
        *,
        transform: Callable[[Any], Any] | None,
        transforms: Callable[[Any, Any], Any] | None,
        synthetic_weight: float,
        held_out: np.ndarray | None,
    ) -> None:
        self.base = base
        self.task = task
        self.transform = transform
        self.transforms = transforms
        self.synthetic_weight = synthetic_weight
        self._reader = reader
        self._held_out = held_out

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: SupportsIndex | slice | Token) -> Any:
        """Return the real example ``index``, transformed; for a token of the sampler, the variant that it names."""
        if isinstance(index, Token):
            return self.__getitems__([index])[0]
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return self._finish(self.task.as_shown(self.base[index]))

    def __getitems__(self, indices: Sequence[int | Token]) -> MixedItems:
        """Return one batch of items; each variant is copied once, from the memory map into the batch."""
        tokens = [index if isinstance(index, Token) else Token(int(index) % len(self)) for index in indices]
        wanted = [token.key for token in tokens if token.key is not None]
        found = zip(wanted, self._reader.gather(wanted), strict=True)
        # A variant that was evicted or is damaged is absent here: its parent's real example stands in for it.
        samples = {key: sample for key, sample in found if sample is not None}
        keys = [key if key in samples else None for _, key in tokens]
        real = iter(self._read([index for (index, _), key in zip(tokens, keys, strict=True) if key is None]))
        items = [
            self._finish(
                self.task.as_shown(next(real))
                if key is None
                else self.task.to_item(samples[key], like=partial(self.base.__getitem__, index))
            )
            for (index, _), key in zip(tokens, keys, strict=True)
        ]
        rows = SampleMeta.pack([token.index for token in tokens], keys, self.synthetic_weight, self._held_out)
        return MixedItems(items, rows)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "base" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.base, name)

    def _finish(self, item: Any) -> Any:
        if self.transform is None and self.transforms is None:
            return item
        return self.task.map_item(item, self.transform, self.transforms)

    def _read(self, indices: list[int]) -> Sequence[Any]:
        # As a DataLoader does: Hugging Face datasets read a batch in one call many times faster than item by item.
        # Where items are read one by one, reading all before any is transformed is faster as well.
        together = getattr(self.base, "__getitems__", None)
        return together(indices) if callable(together) and indices else [self.base[index] for index in indices]
