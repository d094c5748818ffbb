"""Reading variants in batches, straight from the memory map."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xxhash
from typing_extensions import Self

from genaug_data.cache.environment import Handle
from genaug_data.cache.record import Damaged, Decoder, decode_png
from genaug_data.cache.writer import INDEX, CacheStats, stats_of
from genaug_data.sample import Provenance, Sample


class Entry(NamedTuple):
    """What the index says of a variant; ``sequence`` counts up with every variant written."""

    key: bytes
    parent: int
    variant: int
    nbytes: int
    sequence: int


class CacheReader:
    """Reads a cache while others read and one writes; picklable, and good in any process however it was started.

    Nothing that is wrong with the cache raises: a variant that is absent or damaged reads as None.

    Args:
        folder: of the cache; it may not be there yet.

    Example:
        >>> CacheReader("no/such/folder").gather([b"k" * 16])
        [None]
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._open()

    def _open(self) -> None:
        self._handle = Handle(self._folder / "variants")
        self._decoder = Decoder()

    def gather(self, keys: Sequence[bytes]) -> list[Sample | None]:
        """Return the variants of ``keys``, in order; images of one size are rows of one tensor, each copied once."""
        try:
            with self._handle.transaction() as (transaction, databases):
                records = databases["records"]
                opened = [self._opened(transaction.get(key, db=records)) for key in keys]
                return self._copied(opened)
        except FileNotFoundError:
            return [None] * len(keys)

    def provenance(self, key: bytes) -> Provenance | None:
        """Return how a variant was made, None if it is absent or damaged."""
        try:
            with self._handle.transaction() as (transaction, databases):
                opened = self._opened(transaction.get(key, db=databases["records"]))
                return None if opened is None else self._decoder.provenance(opened[0], opened[1])
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def entries(self) -> list[Entry]:
        """Return what is in the cache, oldest first."""
        try:
            with self._handle.transaction() as (transaction, databases):
                rows = [(bytes(key), bytes(row)) for key, row in transaction.cursor(db=databases["index"])]
        except FileNotFoundError:
            return []
        found = [Entry(key, *INDEX.unpack(row)) for key, row in rows if len(row) == INDEX.size]
        return sorted(found, key=lambda entry: entry.sequence)

    def rejections(self) -> Iterator[tuple[bytes, Provenance]]:
        """Yield the key and provenance, with every verdict, of each remembered rejection."""
        try:
            with self._handle.transaction() as (transaction, databases):
                rows = [(bytes(key), bytes(row)) for key, row in transaction.cursor(db=databases["rejected"])]
        except FileNotFoundError:
            return
        for key, row in rows:
            if xxhash.xxh3_64_digest(row[8:]) == row[:8]:
                yield key, Provenance.from_json(row[8:].decode())

    def stats(self) -> CacheStats:
        """Return how much the cache holds."""
        try:
            with self._handle.transaction() as (transaction, databases):
                return stats_of(transaction, databases)
        except FileNotFoundError:
            return CacheStats(0, 0, 0)

    def close(self) -> None:
        """Release the folder: idempotent; the next read opens it again."""
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> str:
        return os.fspath(self._folder)

    def __setstate__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._open()

    def _opened(self, record: Any) -> Any:
        if record is None:
            return None
        try:
            return record, *self._decoder.open(record)
        except Damaged:
            return None

    def _copied(self, opened: list[Any]) -> list[Sample | None]:
        samples: list[Sample | None] = [None] * len(opened)
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for place, found in enumerate(opened):
            if found is None:
                continue
            record, layout, encoded = found
            image = layout.fields["image"]
            if encoded:
                try:
                    part = record[image.start : image.start + image.size]
                    samples[place] = Sample(decode_png(part), self._decoder.target(record, layout))
                except Damaged:
                    continue
            elif len(image.shape) == 3:
                by_shape.setdefault(image.shape, []).append(place)
        for shape, places in by_shape.items():
            images = torch.empty((len(places), *shape), dtype=torch.uint8)
            flat = images.numpy().reshape(len(places), -1)
            for row, place, image in zip(flat, places, images.unbind(), strict=True):
                record, layout, _ = opened[place]
                field = layout.fields["image"]
                row[:] = np.frombuffer(record, np.uint8, field.size, field.start)
                samples[place] = Sample(image, self._decoder.target(record, layout))
        return samples
