"""Which variants are known to be present, and which one a synthetic slot gets."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from genaug_data.sample import Token


class Snapshot(NamedTuple):
    """What the sampler draws from: immutable, replaced as a whole, so that drawing needs no lock."""

    parents: tuple[int, ...] = ()
    cumulative: tuple[float, ...] = ()
    children: tuple[tuple[bytes, ...], ...] = ()


class Catalogue:
    """The variants in the cache by parent, with how often each was drawn.

    The loop adds and discards keys and publishes them with the current priorities; the sampler draws. A key that was
    evicted in between is still drawn until the next :meth:`publish`: the reader then gives the parent's real example.

    Example:
        >>> catalogue = Catalogue()
        >>> catalogue.add(2, b"a" * 16)
        True
        >>> catalogue.publish(np.array([0.5, 0.25, 0.25]))
        >>> catalogue.draw(0.3)
        Token(index=2, key=b'aaaaaaaaaaaaaaaa')
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[int, list[bytes]] = {}
        self._parent_of: dict[bytes, int] = {}
        self._uses: dict[bytes, int] = {}
        self._snapshot = Snapshot()

    def __len__(self) -> int:
        return len(self._parent_of)

    def __contains__(self, key: bytes) -> bool:
        return key in self._parent_of

    def add(self, parent: int, key: bytes) -> bool:
        """Note that a variant of ``parent`` is present; False if it was known."""
        with self._lock:
            if key in self._parent_of:
                return False
            self._parent_of[key] = parent
            self._children.setdefault(parent, []).append(key)
            self._uses[key] = 0
            return True

    def discard(self, keys: Iterable[bytes]) -> dict[int, int]:
        """Forget keys, known or not; returns how many each parent lost."""
        lost: dict[int, int] = {}
        with self._lock:
            for key in keys:
                parent = self._parent_of.pop(key, None)
                if parent is None:
                    continue
                self._uses.pop(key, None)
                self._children[parent].remove(key)
                if not self._children[parent]:
                    del self._children[parent]
                lost[parent] = lost.get(parent, 0) + 1
        return lost

    def items(self) -> list[tuple[bytes, int, int]]:
        """Return (key, parent, uses) of every variant, oldest first."""
        with self._lock:
            return [(key, parent, self._uses[key]) for key, parent in self._parent_of.items()]

    def publish(self, priorities: np.ndarray | None = None) -> None:
        """Make the present keys drawable, each parent with the probability that ``priorities`` gives it.

        Args:
            priorities: float64 ``(N,)``, not negative; None draws every parent alike.
        """
        with self._lock:
            parents = tuple(sorted(self._children))
            children = tuple(tuple(self._children[parent]) for parent in parents)
        weights = [1.0] * len(parents) if priorities is None else priorities[np.array(parents, dtype=np.int64)].tolist()
        if parents and not sum(weights) > 0:
            weights = [1.0] * len(parents)
        self._snapshot = Snapshot(parents, tuple(accumulate(weights)), children)

    def draw(self, uniform: float) -> Token | None:
        """Return the variant that belongs to ``uniform`` in [0, 1): a parent by priority, then its least used child."""
        parents, cumulative, children = self._snapshot
        if not parents:
            return None
        place = min(bisect_right(cumulative, uniform * cumulative[-1]), len(parents) - 1)
        uses = self._uses
        key = min(children[place], key=lambda child: uses.get(child, 0))
        if key in uses:
            uses[key] += 1
        return Token(parents[place], key)
