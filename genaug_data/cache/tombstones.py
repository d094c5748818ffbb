"""Which real examples nothing may be made from any more, because whoever is in them has withdrawn consent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from genaug_data.errors import CacheError
from genaug_data.sample import KEY_BYTES, Provenance
from genaug_data.tensor_file import write_json

NAME = "forgotten.json"
_MOST_BYTES = 1 << 28
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One forgotten example, in one of the contents that it had.

    Args:
        index: into the wrapped dataset.
        parent_hash: hexadecimal content hash; None where nothing in the cache told it.
        forgotten: when, in seconds since the epoch.
    """

    index: int
    parent_hash: str | None
    forgotten: float


@dataclass(frozen=True, slots=True)
class Tombstones:
    """All forgotten examples of a cache.

    An example is told by its index, whatever is there now: a corrected label or a changed pixel brings nobody back. And
    by its content, at whatever index that is found.

    Attributes:
        indices: of forgotten examples, among them those that turned out to show the same.
        hashes: contents that forgotten examples had.

    Example:
        >>> stones = Tombstones().added({3: ["ab" * 16], 5: []})
        >>> stones.cover(8, "ab" * 16), stones.cover(3, "cd" * 16), stones.cover(6, "ef" * 16)
        (True, True, False)
    """

    stones: tuple[Tombstone, ...] = ()
    hashes: frozenset[str] = field(init=False)
    indices: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        hashes = frozenset(stone.parent_hash for stone in self.stones if stone.parent_hash is not None)
        object.__setattr__(self, "hashes", hashes)
        object.__setattr__(self, "indices", frozenset(stone.index for stone in self.stones))

    def hashes_of(self, index: int) -> set[str]:
        """Return the contents that are known of a forgotten example."""
        return {stone.parent_hash for stone in self.stones if stone.index == index and stone.parent_hash is not None}

    def cover(self, index: int, parent_hash: str) -> bool:
        """Return whether an example is forgotten."""
        return parent_hash in self.hashes or index in self.indices

    def cover_variant(self, made: Provenance) -> bool:
        """Return whether a variant was made from a forgotten example; of others than its parent, the index tells."""
        return made.parent_hash in self.hashes or not self.indices.isdisjoint({made.parent, *made.parents})

    def added(self, forgotten: Mapping[int, Iterable[str]]) -> Tombstones:
        """Return these and the contents of further examples, by index; of one without, the index has to do."""
        now, held = time.time(), {(stone.index, stone.parent_hash) for stone in self.stones}
        wanted: list[tuple[int, str | None]] = []
        for index, hashes in forgotten.items():
            named: list[tuple[int, str | None]] = [(index, one) for one in sorted(hashes)]
            wanted += named or ([] if index in self.indices else [(index, None)])
        return Tombstones((*self.stones, *(Tombstone(*pair, now) for pair in wanted if pair not in held)))


def read_tombstones(folder: str | Path) -> Tombstones:
    """Return the forgotten examples of a cache folder.

    Raises:
        CacheError: the file cannot be read; without it, what was forgotten would be made again.

    Example:
        >>> read_tombstones("no/such/folder").stones
        ()
    """
    path = Path(folder) / NAME
    try:
        if path.is_symlink():
            raise ValueError("it is a symbolic link")
        with path.open("rb") as stored:
            text = stored.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise ValueError(f"it has format {content['format']!r}")
        return Tombstones(tuple(_checked(Tombstone(**row)) for row in content["forgotten"]))
    except FileNotFoundError:
        return Tombstones()
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CacheError(
            f"{path} cannot be read ({error}), and nothing is made without knowing who is forgotten; restore it from a "
            "backup, or delete the whole cache"
        ) from error


def write_tombstones(folder: str | Path, tombstones: Tombstones) -> None:
    """Write the forgotten examples of a cache folder, atomically.

    Raises:
        SaveError: the file cannot be written.
    """
    write_json(Path(folder) / NAME, {"format": _FORMAT, "forgotten": [asdict(stone) for stone in tombstones.stones]})


def _checked(stone: Tombstone) -> Tombstone:
    if type(stone.index) is not int or not isinstance(stone.forgotten, (int, float)):
        raise TypeError(f"an entry is {stone}")
    if stone.parent_hash is not None and len(bytes.fromhex(stone.parent_hash)) != KEY_BYTES:
        raise ValueError(f"a content hash is {stone.parent_hash!r}")
    return stone
