"""The one writer of a cache: variants go in, the oldest go out when there is no more room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import lmdb
from typing_extensions import Self

from genaug_data.cache.books import Books, footprint
from genaug_data.cache.environment import Handle
from genaug_data.cache.lease import Lease
from genaug_data.cache.manifest import check_folder, read_manifest, write_manifest
from genaug_data.cache.pictures import Pictures
from genaug_data.cache.record import Codec, encode
from genaug_data.cache.rejection import pack_rejection, unpack_rejection
from genaug_data.cache.reserve import Reserve
from genaug_data.cache.totals import CacheStats, judges_of, stats_of, write_judges
from genaug_data.errors import CacheError, CacheFull
from genaug_data.sample import Provenance, Sample

_MOST_REJECTED = 20_000
_LEAST_MAP = 1 << 20
_KEYS_IN_NEED = 16


class CacheWriter:
    """Writes variants and evicts them; there is one in all processes on a folder.

    A megabyte of the file system is kept in reserve, so that variants can be evicted where there is no room.
    Each :meth:`put` is one transaction, synced to disk before it returns: whatever happens to the process, a record is
    there whole or not at all. (Power loss is another matter: it is left to the file system.)

    Args:
        folder: made if it is missing.
        fingerprint: of the generator; part of what the folder belongs to.
        identity: of generator and training set before any fit.
        max_bytes: bound on :attr:`CacheStats.bytes`.
        codec: of the images.

    Raises:
        CacheError: the folder is not a cache, or another generator's.
        CacheLocked: another process writes to it.

    Example:
        >>> import tempfile, torch
        >>> from genaug_data.sample import Recipe
        >>> made = Provenance(0, "00", 0, "f", Recipe(), 1, (), 0.5)
        >>> with CacheWriter(tempfile.mkdtemp(), fingerprint="f", identity="f", max_bytes=1 << 20) as writer:
        ...     evicted = writer.put([(b"k" * 16, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), made)])
        ...     writer.status(b"k" * 16), evicted
        ('accepted', [])
    """

    def __init__(
        self, folder: str | Path, *, fingerprint: str, identity: str, max_bytes: int, codec: Codec = "auto"
    ) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._codec: Codec = codec
        check_folder(self._folder, identity, fingerprint)
        try:
            (self._folder / "variants").mkdir(parents=True, exist_ok=True)
            self._lease = Lease(self._folder)
        except OSError as error:
            raise CacheError(
                f"the cache in {self._folder} cannot be written ({error}); pass a folder that can"
            ) from error
        try:
            if read_manifest(self._folder) is None:
                write_manifest(self._folder, identity, fingerprint)
            # Copy-on-write needs room for the pages of a transaction beside those that it replaces.
            map_size = max_bytes + max_bytes // 4 + 64 * _LEAST_MAP
            self._handle = Handle(self._folder / "variants", map_size)
            self._handle.forget_dead_readers()
            self._handle.resize(map_size)
            with self._handle.transaction(write=True) as opened:
                books = Books(*opened)
                if not books.agree():
                    books.write_anew()
            self._reserve = Reserve(self._folder / "variants" / "reserve")
            self._reserve.take()
        except (OSError, lmdb.Error) as error:
            self._lease.release()
            if isinstance(error, FileNotFoundError):
                raise CacheError(_gone(self._folder, error)) from error
            raise CacheError(
                f"the cache in {self._folder} cannot be opened ({error}); make room, or pass another folder"
            ) from error
        except BaseException:
            self._lease.release()
            raise

    def put(
        self, records: Sequence[tuple[bytes, Sample, Provenance]], parents: Mapping[int, Sample] | None = None
    ) -> list[bytes]:
        """Store variants, in one transaction; returns the keys that were evicted to make room, oldest first.

        Args:
            records: key, variant and provenance of each.
            parents: real examples by their index, of which a small picture is kept for the report.

        Raises:
            CacheFull: a record alone exceeds the bound, or the file system has no room; what was there stays.
        """
        encoded = [(key, encode(key, sample, made, self._codec), made) for key, sample, made in records]
        for _, value, made in encoded:
            if footprint(value) > self._max_bytes:
                raise CacheFull(
                    f"a variant of example {made.parent} takes {footprint(value)} bytes, the cache is bounded at "
                    f"{self._max_bytes}; raise max_bytes"
                )
        if not encoded:
            return []
        return self._store(encoded, parents or {})

    def reject(
        self,
        records: Sequence[tuple[bytes, Provenance]],
        pictures: Sequence[tuple[Provenance, Sample, Sample | None]] = (),
    ) -> None:
        """Remember rejected variants with their verdicts, so that a rerun does not make them again.

        At most 20,000 are remembered; then all are forgotten, which costs making them once more.

        Args:
            records: key and provenance of each.
            pictures: provenance, parent and variant, if there is an image, of those that the report may show.
        """
        if not records:
            return
        with self._transaction() as (transaction, databases):
            rejected = databases["rejected"]
            if transaction.stat(rejected)["entries"] + len(records) > _MOST_REJECTED:
                transaction.drop(rejected, delete=False)
            for key, made in records[-_MOST_REJECTED:]:
                transaction.put(key, pack_rejection(made), db=rejected)
            Pictures(transaction, databases).keep_rejected(pictures)

    def judged_by(self) -> str | None:
        """Return what :meth:`set_judged_by` noted; None where nobody did."""
        with self._handle.transaction() as (transaction, databases):
            return judges_of(transaction, databases)

    def set_judged_by(self, judges: str) -> None:
        """Note which gates every variant in the cache has passed, and forget what others rejected."""
        with self._transaction() as (transaction, databases):
            transaction.drop(databases["rejected"], delete=False)
            write_judges(transaction, databases, judges)
            Pictures(transaction, databases).forget_rejected()

    def status(self, key: bytes) -> Literal["accepted", "rejected"] | None:
        """Return what is known of a key.

        Raises:
            CacheFull: the file is gone, or cannot be read.
        """
        try:
            with self._handle.transaction() as (transaction, databases):
                if transaction.get(key, db=databases["index"]) is not None:
                    return "accepted"
                return None if transaction.get(key, db=databases["rejected"]) is None else "rejected"
        except (lmdb.Error, OSError) as error:
            raise self._failure(error) from error

    def evict(self, keys: Iterable[bytes]) -> int:
        """Remove variants and return how many were there.

        Where the file system has no room even for that, what the cache keeps in reserve is given back for it.

        Raises:
            CacheFull: there was not enough in reserve; some of the variants may be gone.
        """
        keys = list(keys)
        try:
            return self._drop(keys)
        except CacheFull:
            self._reserve.give_back()
        # One by one at first: what a step frees, those after the next can write to.
        removed, start, step = 0, 0, 1
        while start < len(keys):
            removed += self._drop(keys[start : start + step])
            start, step = start + step, min(2 * step, _KEYS_IN_NEED)
        self._reserve.take()
        return removed

    def forget_rejections(self, are_gone: Callable[[Provenance], bool]) -> int:
        """Forget the rejected variants that ``are_gone`` picks, and those that cannot be read; returns how many."""
        with self._transaction() as (transaction, databases):
            rows = [(bytes(key), bytes(row)) for key, row in transaction.cursor(db=databases["rejected"])]
            gone = [key for key, row in rows if (made := unpack_rejection(row)) is None or are_gone(made)]
            for key in gone:
                transaction.delete(key, db=databases["rejected"])
        return len(gone)

    def compact(self) -> None:
        """Write the database anew, so that its file holds no byte of what was deleted.

        A process that has the cache open goes on with the new file at its next read.

        Raises:
            CacheFull: the copy cannot be written, for want of room as a rule; nothing has changed.
        """
        try:
            self._handle.compact()
        except (lmdb.Error, OSError) as error:
            raise CacheFull(
                f"a copy of the cache in {self._folder} cannot be written ({error}), and deleted bytes stay in its "
                "file; make room for it and try again"
            ) from error

    def forget_pictures(self, parents: Iterable[int]) -> None:
        """Drop the small pictures of real examples, and of the rejected variants that were made from them."""
        with self._transaction() as opened:
            Pictures(*opened).forget_parents(parents)

    def stats(self) -> CacheStats:
        """Return how much the cache holds."""
        with self._handle.transaction() as (transaction, databases):
            return stats_of(transaction, databases)

    def close(self) -> None:
        """Close the cache and let others write: idempotent."""
        self._handle.close()
        self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[tuple[lmdb.Transaction, dict[str, Any]]]:
        try:
            with self._handle.transaction(write=True) as opened:
                yield opened
        except (lmdb.Error, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: lmdb.Error | OSError) -> CacheFull:
        if isinstance(error, lmdb.MapFullError):
            return CacheFull(
                f"the file of the cache in {self._folder} is at its bound; raise max_bytes ({self._max_bytes})"
            )
        if isinstance(error, FileNotFoundError):
            return CacheFull(_gone(self._folder, error))
        # LMDB reports a full disk, a quota and a file size limit alike: as an error that carries errno's text.
        return CacheFull(
            f"the file system has no room for the cache in {self._folder} ({error}); free some, or lower max_bytes"
        )

    def _drop(self, keys: Sequence[bytes]) -> int:
        removed = 0
        with self._transaction() as (transaction, databases):
            books = Books(transaction, databases)
            total, sequence = books.totals()
            for key in keys:
                freed = books.drop(key)
                total -= freed
                removed += freed > 0
            books.set_totals(total, sequence)
        return removed

    def _store(self, encoded: Sequence[tuple[bytes, bytes, Provenance]], parents: Mapping[int, Sample]) -> list[bytes]:
        evicted = []
        with self._transaction() as (transaction, databases):
            books = Books(transaction, databases)
            total, sequence = books.totals()
            total -= sum(books.drop(key) for key, _, _ in encoded)
            total += sum(footprint(value) for _, value, _ in encoded)
            while total > self._max_bytes and (key := books.oldest()) is not None:
                total -= books.drop(key)
                evicted.append(key)
            first = 0
            while total > self._max_bytes:
                # Nothing older is left: of the batch itself, only the newest stay.
                total -= footprint(encoded[first][1])
                evicted.append(encoded[first][0])
                first += 1
            for key, value, made in encoded[first:]:
                transaction.put(key, value, db=databases["records"])
                books.enter(key, made.parent, made.variant, footprint(value), sequence)
                transaction.delete(key, db=databases["rejected"])
                sequence += 1
            books.set_totals(total, sequence)
            Pictures(transaction, databases).keep_parents(parents)
        self._reserve.take()
        return evicted


def _gone(folder: Path, error: FileNotFoundError) -> str:
    return (
        f"the cache in {folder} is gone ({error}): its folder was deleted or moved while in use; put it back, or start "
        "the run again"
    )
