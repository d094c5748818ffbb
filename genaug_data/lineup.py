"""Which variants a synthetic slot may get, from which slot on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from genaug_data.sample import Token

_DRAWN = attrgetter("drawn")


class Child:
    """One variant and how often it was drawn by the sampler and shown to the training step.

    The two differ by what DataLoader workers have read ahead. Draws prefer the variant that was drawn least, eviction
    looks at what was shown.
    """

    __slots__ = ("drawn", "key", "parent", "shown")

    def __init__(self, key: bytes, parent: int, drawn: int = 0, shown: int = 0) -> None:
        self.key = key
        self.parent = parent
        self.drawn = drawn
        self.shown = shown


class Snapshot(NamedTuple):
    """What the sampler draws from: immutable but for the counts, replaced as a whole, so that drawing needs no lock."""

    parents: tuple[int, ...] = ()
    cumulative: tuple[float, ...] = ()
    children: tuple[tuple[Child, ...], ...] = ()
    withheld: float = 0.0

    def draw(self, uniform: float) -> Token | None:
        """Return the variant that belongs to ``uniform`` in [0, 1): a parent by weight, then its least drawn child.

        The weight ``withheld`` is nobody's: its slots show real examples.
        """
        parents, cumulative, children, withheld = self
        if not parents:
            return None
        drawn = uniform * (cumulative[-1] + withheld)
        if withheld and drawn >= cumulative[-1]:
            return None
        place = min(bisect_right(cumulative, drawn), len(parents) - 1)
        child = min(children[place], key=_DRAWN)
        child.drawn += 1
        return Token(parents[place], child.key)

    def without(self, parents: Collection[int]) -> Snapshot:
        """Return this without some parents."""
        kept = [place for place, parent in enumerate(self.parents) if parent not in parents]
        before = (0.0, *self.cumulative)
        weights = [before[place + 1] - before[place] for place in kept]
        return Snapshot(
            tuple(self.parents[place] for place in kept),
            # Alike where only those were wanted that are gone.
            tuple(accumulate(weights if sum(weights) > 0 else [1.0] * len(weights))),
            tuple(self.children[place] for place in kept),
            self.withheld,
        )


class Lineup:
    """The snapshots of a pass, each with the slot from which on it is drawn from.

    A snapshot that is to be drawn from at once replaces all others. One that is scheduled for a later slot leaves the
    slots before it as they are: what a slot shows is then the same however far DataLoader workers draw ahead, as long
    as they have not come to that slot.

    Example:
        >>> lineup = Lineup()
        >>> lineup.publish(Snapshot((4,), (1.0,), ((Child(b"k" * 16, 4),),)), slot=10)
        >>> lineup.draw(9, 0.5) is None, lineup.draw(10, 0.5)
        (True, Token(index=4, key=b'kkkkkkkkkkkkkkkk'))
    """

    def __init__(self) -> None:
        self.entries: list[tuple[int, Snapshot]] = [(0, Snapshot())]
        self._place = 0

    def publish(self, snapshot: Snapshot, slot: int | None = None) -> None:
        """Let ``snapshot`` be drawn from ``slot`` of this pass on, and from the next pass on; at once for None."""
        if slot is None:
            # Place and list are read by another thread: the place must fit at any moment.
            self._place = 0
            self.entries = [(0, snapshot)]
            return
        kept = [entry for entry in self.entries if entry[0] < slot]
        self._place = min(self._place, max(len(kept) - 1, 0))
        self.entries = [*kept, (slot, snapshot)]

    def begin_pass(self) -> None:
        """Let the newest snapshot be drawn from the first slot on."""
        self.publish(self.entries[-1][1])

    def forget_before(self, slot: int) -> None:
        """Drop the snapshots that no slot from ``slot`` on is drawn from."""
        entries = self.entries
        first = max(place for place, (start, _) in enumerate(entries) if place == 0 or start <= slot)
        self._place = max(self._place - first, 0)
        self.entries = entries[first:]

    def restore(self, entries: list[tuple[int, Snapshot]]) -> None:
        """Take over the entries of another lineup, the slots in ascending order."""
        self._place = 0
        self.entries = entries

    def drop(self, parents: Collection[int]) -> None:
        """Draw no variant of these parents from now on: the others share their weight."""
        self._place = 0
        self.entries = [(slot, snapshot.without(parents)) for slot, snapshot in self.entries]

    def held(self) -> set[bytes]:
        """Return every variant that may still be drawn."""
        return {child.key for _, snapshot in self.entries for family in snapshot.children for child in family}

    def draw(self, slot: int, uniform: float) -> Token | None:
        """Return the variant of a synthetic slot, None where there is none; the slots of a pass come in order."""
        entries, place = self.entries, self._place
        while place + 1 < len(entries) and entries[place + 1][0] <= slot:
            place += 1
            self._place = place
        return entries[min(place, len(entries) - 1)][1].draw(uniform)
