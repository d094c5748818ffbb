"""Reading variants in batches, straight from the memory map."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import lmdb
from typing_extensions import Self

from genaug_data.cache.books import INDEX
from genaug_data.cache.decoding import Decoder
from genaug_data.cache.environment import Handle
from genaug_data.cache.pictures import Pictures, RejectedPicture
from genaug_data.cache.rejection import unpack_rejection
from genaug_data.cache.totals import CacheStats, judges_of, stats_of
from genaug_data.errors import CacheError, GenaugWarning
from genaug_data.sample import Provenance, Sample, Target

# Nothing was cached yet, or the file is damaged; a lock table that is gone with the folder says so as an OSError.
_UNREADABLE = (OSError, lmdb.Error)
# What was said, with the process that said it: a forked DataLoader worker has its own to say.
_said: set[tuple[int, str, type, int | None]] = set()


class Entry(NamedTuple):
    """What the index says of a variant; ``sequence`` counts up with every variant written."""

    key: bytes
    parent: int
    variant: int
    nbytes: int
    sequence: int


class CacheReader:
    """Reads a cache while others read and one writes; picklable, and good in any process however it was started.

    Nothing that is wrong with the cache raises: a variant that is absent or damaged reads as None. Where variants are
    asked for and none can be read at all, one warning in each process says why. Every read verifies
    the record's checksum, so that no damaged byte of a record is ever an image. The pages by which LMDB finds records
    are checked when a process opens the file: a file whose pages cannot be followed reads as empty. Not seen is damage
    done to those pages by another program while a process has the file open; LMDB would follow them.

    Args:
        folder: of the cache; it may not be there yet.

    Example:
        >>> CacheReader("no/such/folder").entries()
        []
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._open()

    def _open(self) -> None:
        self._handle = Handle(self._folder / "variants")
        self._decoder = Decoder()

    def gather(self, keys: Sequence[bytes]) -> list[Sample | None]:
        """Return the variants of ``keys``, in order; images of one size are rows of one tensor, each copied once."""
        if not keys:
            return []
        try:
            with self._handle.transaction() as (transaction, databases):
                records, get = databases["records"], transaction.get
                return self._decoder.samples(keys, [get(key, None, records) for key in keys])
        except _UNREADABLE as error:
            _say_once(self._folder, error)
            return [None] * len(keys)

    def provenance(self, key: bytes) -> Provenance | None:
        """Return how a variant was made, None if it is absent or damaged."""
        try:
            with self._handle.transaction() as (transaction, databases):
                record = transaction.get(key, db=databases["records"])
                return None if record is None else self._decoder.provenance(key, record)
        except _UNREADABLE:
            return None

    def entries(self) -> list[Entry]:
        """Return what is in the cache, oldest first."""
        try:
            with self._handle.transaction() as (transaction, databases):
                rows = [(bytes(key), bytes(row)) for key, row in transaction.cursor(db=databases["index"])]
        except _UNREADABLE:
            return []
        found = [Entry(key, *INDEX.unpack(row)) for key, row in rows if len(row) == INDEX.size]
        return sorted(found, key=lambda entry: entry.sequence)

    def rejections(self) -> Iterator[tuple[bytes, Provenance]]:
        """Yield the key and provenance, with every verdict, of each remembered rejection."""
        try:
            with self._handle.transaction() as (transaction, databases):
                rows = [(bytes(key), bytes(row)) for key, row in transaction.cursor(db=databases["rejected"])]
        except _UNREADABLE:
            return
        for key, row in rows:
            made = unpack_rejection(row)
            if made is not None:
                yield key, made

    def parent_pictures(self) -> dict[int, bytes]:
        """Return small pictures, PNG or JPEG, of real examples that variants were made from, by their index."""
        try:
            with self._handle.transaction() as opened:
                return Pictures(*opened).parents()
        except _UNREADABLE:
            return {}

    def rejected_pictures(self) -> list[RejectedPicture]:
        """Return small pictures of the last variants that each gate rejected, the newest first."""
        try:
            with self._handle.transaction() as opened:
                return Pictures(*opened).rejected()
        except _UNREADABLE:
            return []

    def describe(self, keys: Sequence[bytes]) -> list[tuple[Provenance, Target] | None]:
        """Return provenance and annotation of variants, without their images; None for those absent or damaged."""
        try:
            with self._handle.transaction() as (transaction, databases):
                found = [transaction.get(key, db=databases["records"]) for key in keys]
                return [
                    None if record is None else self._decoder.description(key, record)
                    for key, record in zip(keys, found, strict=True)
                ]
        except _UNREADABLE:
            return [None] * len(keys)

    def judged_by(self) -> str | None:
        """Return which gates every variant here has passed, as the writer noted it; None if it is not known."""
        try:
            with self._handle.transaction() as (transaction, databases):
                return judges_of(transaction, databases)
        except _UNREADABLE:
            return None

    def damage(self) -> str:
        """Return what keeps the cache from being read, in a few words; empty if nothing does."""
        try:
            with self._handle.transaction() as (transaction, databases):
                stats_of(transaction, databases)
        except FileNotFoundError:
            return ""
        except _UNREADABLE as error:
            return str(error)
        return ""

    def check_readable(self) -> None:
        """Refuse a cache that reads as empty because it is damaged.

        Raises:
            CacheError: it is.
        """
        damage = self.damage()
        if damage:
            raise CacheError(
                f"the cache in {self._folder} is damaged beyond its records ({damage}), and what it held cannot be "
                "told; delete the folder's 'variants', and its variants are made again"
            )

    def stats(self) -> CacheStats:
        """Return how much the cache holds."""
        try:
            with self._handle.transaction() as (transaction, databases):
                return stats_of(transaction, databases)
        except _UNREADABLE:
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


def _say_once(folder: Path, error: OSError | lmdb.Error) -> None:
    reason = (os.getpid(), os.fspath(folder), type(error), getattr(error, "errno", None))
    if reason not in _said:
        _said.add(reason)
        warnings.warn(
            f"process {os.getpid()} cannot read the cache in {folder} ({type(error).__name__}: {error}), and shows "
            "real examples in place of its variants; make the folder readable, or delete it to have them made again",
            GenaugWarning,
            stacklevel=3,
        )
