"""Which variants are known to be present, and by how many of each parent."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import accumulate

import numpy as np

from genaug_data.auto_off import Allotment, thin
from genaug_data.lineup import Child, Lineup, Snapshot
from genaug_data.sample import Token


class Catalogue:
    """The variants in the cache by parent, with how often each was drawn and shown.

    The loop adds and discards keys and publishes them with the current priorities; the sampler draws. A key that was
    evicted in between is still drawn until the next :meth:`publish`: the reader then gives the parent's real example.

    Attributes:
        lineup: of what was published.

    Example:
        >>> catalogue = Catalogue()
        >>> catalogue.add(2, b"a" * 16)
        True
        >>> catalogue.publish(np.array([0.5, 0.25, 0.25]))
        >>> catalogue.draw(slot=0, uniform=0.3)
        Token(index=2, key=b'aaaaaaaaaaaaaaaa')
    """

    def __init__(self) -> None:
        self.lineup = Lineup()
        self._lock = threading.Lock()
        self._children: dict[int, list[Child]] = {}
        self._by_key: dict[bytes, Child] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: bytes) -> bool:
        return key in self._by_key

    def add(self, parent: int, key: bytes) -> bool:
        """Note that a variant of ``parent`` is present; False if it was known."""
        with self._lock:
            if key in self._by_key:
                return False
            self._by_key[key] = child = Child(key, parent)
            self._children.setdefault(parent, []).append(child)
            return True

    def discard(self, keys: Iterable[bytes]) -> dict[int, int]:
        """Forget keys, known or not; returns how many each parent lost."""
        lost: dict[int, int] = {}
        with self._lock:
            for key in keys:
                child = self._by_key.pop(key, None)
                if child is None:
                    continue
                self._children[child.parent].remove(child)
                if not self._children[child.parent]:
                    del self._children[child.parent]
                lost[child.parent] = lost.get(child.parent, 0) + 1
        return lost

    def show(self, keys: Iterable[bytes]) -> None:
        """Count one showing of each variant in a training step."""
        for key in keys:
            child = self._by_key.get(key)
            if child is not None:
                child.shown += 1

    def take_back(self, keys: Iterable[bytes]) -> None:
        """Take back one drawing of each variant: its slot was never come to."""
        for key in keys:
            child = self._by_key.get(key)
            if child is not None:
                child.drawn -= 1

    def items(self) -> list[tuple[bytes, int, int]]:
        """Return (key, parent, times shown) of every variant, oldest first."""
        return [(child.key, child.parent, child.shown) for child in self.children()]

    def parents_of(self, keys: Iterable[bytes]) -> list[int]:
        """Return the parent of each key that is known."""
        return [child.parent for key in keys if (child := self._by_key.get(key)) is not None]

    def children(self) -> list[Child]:
        """Return every variant, oldest first."""
        with self._lock:
            return list(self._by_key.values())

    def restore(self, children: Iterable[Child]) -> None:
        """Hold these variants, oldest first, and no others."""
        with self._lock:
            self._by_key = {child.key: child for child in children}
            self._children = {}
            for child in self._by_key.values():
                self._children.setdefault(child.parent, []).append(child)

    def publish(
        self, priorities: np.ndarray | None = None, slot: int | None = None, allotment: Allotment | None = None
    ) -> None:
        """Make the present keys drawable, each parent with the probability that ``priorities`` gives it.

        Args:
            priorities: float64 ``(N,)``, not negative; None draws every parent alike.
            slot: of the pass, from which on they are drawn; None for at once.
            allotment: who may be shown, and for which share of its slots; None for everybody, and for all.
        """
        with self._lock:
            parents = tuple(sorted(self._children))
            children = tuple(tuple(self._children[parent]) for parent in parents)
        places, withheld = np.array(parents, dtype=np.int64), 0.0
        weights = np.ones(len(parents)) if priorities is None else priorities[places]
        if not weights.sum() > 0:
            weights = np.ones(len(parents))
        if allotment is not None:
            weights, withheld = thin(weights, places, allotment)
            drawable = np.flatnonzero(weights).tolist()
            parents = tuple(parents[place] for place in drawable)
            children = tuple(children[place] for place in drawable)
            weights = weights[drawable]
        self.lineup.publish(Snapshot(parents, tuple(accumulate(weights.tolist())), children, withheld), slot)

    def begin_pass(self) -> None:
        """Let the first slot of a pass be drawn from what was published last."""
        self.lineup.begin_pass()

    def draw(self, slot: int, uniform: float) -> Token | None:
        """Return the variant that belongs to a synthetic slot and ``uniform`` in [0, 1); None where there is none."""
        return self.lineup.draw(slot, uniform)
