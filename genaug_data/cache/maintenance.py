"""Looking after a cache from outside a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from genaug_data.cache.manifest import manifest_of
from genaug_data.cache.reader import CacheReader
from genaug_data.cache.writer import CacheWriter
from genaug_data.errors import ConfigError

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Verification:
    """What a full read of a cache found.

    Args:
        records: in the index.
        damaged: keys of those that cannot be read as they were written, or of which the index says something else.
    """

    records: int
    damaged: tuple[bytes, ...]


def verify(folder: str | Path, *, progress: bool = True) -> Verification:
    """Read every record of a cache and return which are damaged.

    Args:
        folder: of the cache.
        progress: whether to show a bar.

    Raises:
        CacheError: there is no cache in the folder.
    """
    manifest_of(folder)
    damaged: list[bytes] = []
    with CacheReader(folder) as reader:
        reader.check_readable()
        entries = reader.entries()
        with tqdm(total=len(entries), desc="verify", unit="variant", disable=not progress) as bar:
            for start in range(0, len(entries), _AT_ONCE):
                part = entries[start : start + _AT_ONCE]
                children = reader.gather([entry.key for entry in part])
                for entry, child in zip(part, children, strict=True):
                    made = None if child is None else reader.provenance(entry.key)
                    if made is None or (made.parent, made.variant) != (entry.parent, entry.variant):
                        damaged.append(entry.key)
                bar.update(len(part))
    return Verification(len(entries), tuple(damaged))


def prune(folder: str | Path, *, max_bytes: int | None = None, progress: bool = True) -> int:
    """Drop the damaged records of a cache, then the oldest ones down to ``max_bytes``; returns how many went.

    Args:
        folder: of the cache.
        max_bytes: to keep at most; None drops only what is damaged.
        progress: whether to show a bar.

    Raises:
        ConfigError: ``max_bytes`` is below 1.
        CacheError: there is no cache in the folder.
        CacheLocked: a run is writing to it.
    """
    if max_bytes is not None and max_bytes < 1:
        raise ConfigError(f"max_bytes must be at least 1, got {max_bytes}; to drop everything, delete the folder")
    leaving = list(verify(folder, progress=progress).damaged)
    manifest = manifest_of(folder)
    with CacheReader(folder) as reader:
        stored, entries = reader.stats().bytes, reader.entries()
        bound = stored if max_bytes is None else max_bytes
        with CacheWriter(
            folder, fingerprint=manifest.fingerprint, identity=manifest.identity, max_bytes=max(bound, 1)
        ) as writer:
            gone = set(leaving)
            stored -= sum(entry.nbytes for entry in entries if entry.key in gone)
            for entry in entries:
                if stored <= bound:
                    break
                if entry.key not in gone:
                    leaving.append(entry.key)
                    stored -= entry.nbytes
            return writer.evict(leaving)
