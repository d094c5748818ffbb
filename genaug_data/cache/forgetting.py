"""A consent is withdrawn: everything that was made from a real example goes, and stays away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from genaug_data.cache.manifest import manifest_of
from genaug_data.cache.reader import CacheReader
from genaug_data.cache.tombstones import Tombstones, read_tombstones, write_tombstones
from genaug_data.cache.traces import clean_summaries, delete_journals
from genaug_data.cache.writer import CacheWriter
from genaug_data.errors import CacheError, ConfigError
from genaug_data.sample import Provenance

_AT_ONCE = 256
_MOST_INDEX = 1 << 63
_FITTED = ("generator", "snapshots")
_LEAST_ROOM = 1 << 20


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What :func:`forget` has done.

    Args:
        records: variants that were deleted.
        rejections: remembered rejections that were deleted.
        unknown: indices of which the cache had nothing that tells their content; only the index stands for them.
        also: indices of further examples that showed the same, and are forgotten with them.
        pages: reports and audits in the folder that showed small pictures; deleted.
        journals: that named a deleted variant by its key; deleted.
        fitted: folders in it with weights that were fitted on the training set, and remember the example.
        fitted_deleted: whether these were deleted too.
    """

    records: int
    rejections: int
    unknown: tuple[int, ...]
    also: tuple[int, ...]
    pages: tuple[Path, ...]
    journals: tuple[Path, ...]
    fitted: tuple[Path, ...]
    fitted_deleted: bool


class _Row(NamedTuple):
    key: bytes
    parents: frozenset[int]
    parent: int
    parent_hash: str | None


def forget(folder: str | Path, indices: Sequence[int], *, fitted: bool = False, progress: bool = True) -> Forgotten:
    """Delete everything that was made from real examples, verify that it is gone, and keep it from being made again.

    Descendants of an example are the variants whose parent it is, those that a generator mixed from it and others and
    says so (:attr:`~genaug_data.sample.Provenance.parents`), and those of the same image under another index, as far as
    content hashes or small pictures in the cache tell of it. They go with their rejections and small pictures, with
    records that cannot be read, with the reports in the folder and with the journals that name them. The database is
    then written anew, so that no deleted byte stays in its file; a file system may still keep blocks of deleted files.
    Before all this, ``forgotten.json`` in the folder is told the examples' indices and content hashes; nothing is made
    from these any more, whatever is at the index. To run it again completes one that was interrupted.

    Args:
        folder: of the cache; in a distributed run each rank has its own.
        indices: of the examples in the wrapped dataset.
        fitted: whether fitted weights are deleted too, of the generator, of feature networks and of snapshots.
        progress: whether to show a bar.

    Raises:
        ConfigError: no index, or one that cannot be.
        CacheError: there is no cache in the folder, it is damaged beyond its records, or something was still found.
        CacheLocked: a run is writing to it.
        CacheFull: the file system has no room for the copy; free some and run it again.

    Example:
        >>> import tempfile, torch
        >>> from genaug_data.sample import Recipe, Sample
        >>> folder, made = tempfile.mkdtemp(), Provenance(4, "ab" * 16, 0, "f", Recipe(), 1, (), 0.5)
        >>> with CacheWriter(folder, fingerprint="f", identity="f", max_bytes=1 << 20) as writer:
        ...     evicted = writer.put([(b"k" * 16, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), made)])
        >>> forget(folder, [4], progress=False).records, CacheReader(folder).entries()
        (1, [])
    """
    folder, wanted = Path(folder), _checked(indices)
    manifest = manifest_of(folder)
    with CacheReader(folder) as reader:
        reader.check_readable()
        room = max(reader.stats().bytes, _LEAST_ROOM)
    with CacheWriter(folder, fingerprint=manifest.fingerprint, identity=manifest.identity, max_bytes=room) as writer:
        with CacheReader(folder) as reader:
            rows = list(_rows(reader, progress))
            refused = list(_refused(reader))
            earlier = read_tombstones(folder)
            everyone = _with_equals(wanted, [*rows, *refused], reader.parent_pictures(), earlier)
        # First of all: whatever happens from here on, nothing new comes.
        tombstones = earlier.added(everyone)
        write_tombstones(folder, tombstones)
        gone = [row for row in rows if row.parent_hash is None or _is_descendant(row, tombstones)]
        # While the keys are known, also to who repeats this after an interruption.
        journals = tuple(delete_journals(folder, [row.key for row in gone]))
        clean_summaries(folder, set(everyone))
        records = writer.evict([row.key for row in gone])
        rejections = writer.forget_rejections(tombstones.cover_variant)
        writer.forget_pictures(everyone)
        pages = tuple(path for path in _pages(folder) if _delete(path))
        weights = tuple(path for path in (folder / name for name in _FITTED) if path.is_dir() and any(path.iterdir()))
        if fitted:
            for path in weights:
                _delete(path)
        # Last, as it needs room.
        writer.compact()
        _verify(folder, tombstones, set(everyone), progress)
    unknown = tuple(index for index in sorted(wanted) if not tombstones.hashes_of(index))
    also = tuple(sorted(set(everyone) - wanted))
    return Forgotten(records, rejections, unknown, also, pages, journals, weights, fitted)


def _checked(indices: Sequence[int]) -> set[int]:
    if not indices:
        raise ConfigError("no index was passed; pass those of the examples that are to be forgotten")
    for index in indices:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < _MOST_INDEX:
            raise ConfigError(f"an index must be a number of the wrapped dataset, got {index!r}; pass those from 0 on")
    return set(indices)


def _with_equals(
    wanted: set[int], rows: Sequence[_Row], pictures: Mapping[int, bytes], earlier: Tombstones
) -> dict[int, set[str]]:
    """Return the known contents of what is wanted, by index, and of other examples that show the same.

    These are told by an equal content, or by an equal small picture, also under another label.
    """
    shown = {pictures[index] for index in wanted if index in pictures}
    alike = wanted | {index for index, picture in pictures.items() if picture in shown}
    contents: dict[int, set[str]] = {index: earlier.hashes_of(index) for index in alike}
    for row in rows:
        if row.parent_hash and row.parent in alike:
            contents[row.parent].add(row.parent_hash)
    known = set().union(*contents.values())
    for row in rows:
        if row.parent_hash in known and row.parent_hash:
            contents.setdefault(row.parent, set()).add(row.parent_hash)
    return dict(sorted(contents.items()))


def _is_descendant(row: _Row, tombstones: Tombstones) -> bool:
    return row.parent_hash in tombstones.hashes or not tombstones.indices.isdisjoint(row.parents)


def _row_of(key: bytes, made: Provenance) -> _Row:
    return _Row(key, frozenset(made.parents), made.parent, made.parent_hash)


def _rows(reader: CacheReader, progress: bool) -> Iterator[_Row]:
    """Yield what each record says of its descent, by the index alone where it cannot be read."""
    entries = reader.entries()
    with tqdm(total=len(entries), desc="forget", unit="variant", disable=not progress) as bar:
        for start in range(0, len(entries), _AT_ONCE):
            part = entries[start : start + _AT_ONCE]
            for entry, found in zip(part, reader.describe([entry.key for entry in part]), strict=True):
                if found is None:
                    yield _Row(entry.key, frozenset([entry.parent]), entry.parent, None)
                else:
                    row = _row_of(entry.key, found[0])
                    yield row._replace(parents=row.parents | {entry.parent})
            bar.update(len(part))


def _refused(reader: CacheReader) -> Iterator[_Row]:
    for key, made in reader.rejections():
        yield _row_of(key, made)
    for picture in reader.rejected_pictures():
        yield _row_of(b"", picture.made)


def _pages(folder: Path) -> Iterator[Path]:
    yield folder / "report.html"
    if (folder / "audit" / "audit.json").is_file():
        yield folder / "audit"


def _delete(path: Path) -> bool:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        return True
    with suppress(FileNotFoundError):
        path.unlink()
        return True
    return False


def _verify(folder: Path, tombstones: Tombstones, parents: set[int], progress: bool) -> None:
    with CacheReader(folder) as reader:
        left = sum(_is_descendant(row, tombstones) for row in (*_rows(reader, progress), *_refused(reader)))
        shown = parents.intersection(reader.parent_pictures())
        if left or shown or reader.damage():
            raise CacheError(
                f"{left} descendants and {len(shown)} pictures are still in {folder} after they were deleted; run it "
                "again, or delete the folder's 'variants'"
            )
