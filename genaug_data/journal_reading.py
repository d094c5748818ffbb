"""A journal read as far as it is sound: what every synthetic slot of an asynchronous run got."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from genaug_data.catalogue import Catalogue
from genaug_data.errors import DataError
from genaug_data.journal import BLOCK, DRAWS, END, FORGET, MAGIC, MISSES, PASS, SESSION
from genaug_data.ratio import as_ratio
from genaug_data.sample import KEY_BYTES, Token
from genaug_data.sampler import HardExampleSampler

_LONGEST_BLOCK = 1 << 20
_MOST_SLOTS = 1 << 32
_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "seed": int,
    "size": int,
    "ratio": lambda ratio: as_ratio(ratio).plain(),
    "mixing": str,
    "num_replicas": int,
    "rank": int,
    "shuffle": bool,
}


class _Damaged(Exception):
    """A block is not what was written."""


@dataclass
class Draws:
    """What the synthetic slots of one epoch got.

    Args:
        first: number, among the epoch's synthetic slots, of the first that is known.
        places: of each from there on: 0 for none, n for the n-th variant of the journal.
    """

    first: int = 0
    places: array = field(default_factory=lambda: array("I"))

    def cut(self, before: int) -> None:
        """Let the next place be that of synthetic slot number ``before``."""
        if not self.first <= before <= self.first + len(self.places):
            # What lies between is told of in another file.
            self.first, self.places = before, array("I")
        del self.places[before - self.first :]


@dataclass
class Journal:
    """What a journal says: the draws of every epoch, as they were trained on.

    Where a run was resumed in the middle of an epoch, what it had drawn beyond that point is replaced by what the
    resumed run drew.

    Args:
        settings: of the sampler.
        variants: that were drawn, in the order of their first draw.
        draws: of each epoch.
        ends: slots of each epoch that were gone through, where the end or the leaving of its pass is told of.
        missed: slots of each epoch whose variant could not be read, so that they showed its parent.
        damage: why the rest of the file cannot be read; empty where all of it can, or where it only ends in the middle
            of a block, as that of a run that was killed may.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    variants: list[Token] = field(default_factory=list)
    draws: dict[int, Draws] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    missed: dict[int, set[int]] = field(default_factory=dict)
    damage: str = ""


def read_journal(path: str | Path) -> Journal:
    """Read a journal as far as it is sound; nothing in it can do more than be refused.

    Args:
        path: of a file in the folder ``journals`` of a cache.

    Raises:
        DataError: the file is missing, or does not begin as a journal does.

    Example:
        >>> import tempfile
        >>> from genaug_data.journal import JournalWriter
        >>> settings = dict(seed=0, size=4, ratio=0.5, mixing="replace", num_replicas=1, rank=0, shuffle=True)
        >>> folder = Path(tempfile.mkdtemp())
        >>> writer = JournalWriter(folder, settings, print)
        >>> writer.begin_pass(epoch=0, position=0)
        >>> writer.draw(Token(3, b"k" * 16))
        >>> writer.close()
        >>> read_journal(folder / writer.name).variants
        [Token(index=3, key=b'kkkkkkkkkkkkkkkk')]
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"the journal {path} cannot be read ({error}); pass a file of the cache's journals") from error
    if not content.startswith(MAGIC):
        raise DataError(f"{path} is no journal, it begins with {content[:4]!r}; pass a file of the cache's journals")
    reading = _Reading(Journal())
    place = len(MAGIC)
    while place + BLOCK.size <= len(content):
        length, digest = BLOCK.unpack_from(content, place)
        block = content[place + BLOCK.size : place + BLOCK.size + length]
        if len(block) < length <= _LONGEST_BLOCK:
            break
        try:
            if not 0 < length <= _LONGEST_BLOCK or xxhash.xxh3_64_intdigest(block) != digest:
                raise _Damaged("a checksum is wrong")
            reading.take(block)
        except _Damaged as error:
            reading.journal.damage = f"it is damaged at byte {place}: {error}"
            break
        place += BLOCK.size + length
    if not reading.journal.settings:
        raise DataError(f"the journal {path} holds nothing that can be read; pass another")
    return reading.journal


class _Reading:
    """Takes the blocks of a journal in order."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._first_variant = 0
        self._draws: Draws | None = None
        self._goes_on = False
        self._epoch = 0

    def take(self, block: bytes) -> None:
        kind, content = block[:1], block[1:]
        if kind == SESSION:
            self._session(content)
            return
        if not self.journal.settings:
            raise _Damaged("it has no session")
        numbers = _Varints(content)
        if kind == PASS:
            self._begin_pass(numbers.next(), numbers.next())
        elif kind == MISSES:
            self.journal.missed.setdefault(numbers.next(), set()).update(numbers)
        elif kind == DRAWS:
            self._draw(numbers)
        elif kind == END:
            epoch, position = numbers.next(), numbers.next()
            if epoch in self.journal.draws:
                self.journal.ends[epoch] = position
        elif kind == FORGET:
            self._first_variant = len(self.journal.variants)
        else:
            raise _Damaged(f"a block is of the unknown kind {kind!r}")

    def _session(self, content: bytes) -> None:
        try:
            settings = json.loads(content)
            found = {name: kind(settings[name]) for name, kind in _SETTINGS.items()}
            HardExampleSampler(**found, catalogue=Catalogue())
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
            raise _Damaged(f"its settings cannot be read ({error})") from error
        if self.journal.settings and found != self.journal.settings:
            raise _Damaged("its sessions are of different runs")
        self._goes_on = bool(self.journal.settings)
        self.journal.settings = found
        self._first_variant = len(self.journal.variants)
        self._draws = None

    def _begin_pass(self, epoch: int, position: int) -> None:
        self._epoch = epoch
        self._draws = self.journal.draws.setdefault(epoch, Draws())
        if self._goes_on:
            # The run went on from a saved state: what had come behind that was lost.
            self._goes_on = False
            for known in (self.journal.draws, self.journal.ends, self.journal.missed):
                for later in [number for number in known if number > epoch]:
                    del known[later]
        self._draws.cut(due_before(self.journal.settings, epoch, position))
        self.journal.ends.pop(epoch, None)
        missed = self.journal.missed.get(epoch, set())
        missed -= {slot for slot in missed if slot >= position}

    def _draw(self, numbers: _Varints) -> None:
        if self._draws is None:
            raise _Damaged("draws belong to no pass")
        # The run was saved in the middle of this pass, and went on.
        self.journal.ends.pop(self._epoch, None)
        variants = self.journal.variants
        for number in numbers:
            new = len(variants) - self._first_variant + 1
            if number > new:
                raise _Damaged(f"draw {number} is of a variant that was not named")
            if number == new:
                index = numbers.next()
                if index >= self.journal.settings["size"]:
                    raise _Damaged(f"a variant's parent is {index}")
                variants.append(Token(index, numbers.bytes(KEY_BYTES)))
            self._draws.places.append(number and self._first_variant + number)


class _Varints:
    """Reads the integers of a block one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def __iter__(self) -> Iterator[int]:
        while self._place < len(self._content):
            yield self.next()

    def next(self) -> int:
        number = shift = 0
        while True:
            (byte,) = self.bytes(1)
            number |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        if number >= _MOST_SLOTS:
            raise _Damaged(f"the number {number} is too large")
        return number

    def bytes(self, count: int) -> bytes:
        part = self._content[self._place : self._place + count]
        if len(part) < count:
            raise _Damaged("a block ends too early")
        self._place += count
        return part


def due_before(settings: dict[str, Any], epoch: int, slot: int) -> int:
    """Return how many synthetic slots of ``epoch`` come before ``slot``, by the settings of a journal."""
    ratio = as_ratio(settings["ratio"]).fraction(epoch)
    return slot * ratio.numerator // ratio.denominator
