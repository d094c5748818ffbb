"""Which variants leave a cache that is nearly full."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def victims(items: Sequence[tuple[bytes, int, int]], priorities: np.ndarray, count: int) -> list[bytes]:
    """Return the ``count`` keys that are worth least.

    The worth of a variant is its parent's priority over one more than the times it was shown: what is over-used, or
    whose parent is no longer hard, goes first, and among equals the oldest.

    Args:
        items: (key, parent, uses) of each variant, oldest first.
        priorities: of the parents, float64 ``(N,)``.
        count: how many have to go.

    Example:
        >>> victims([(b"new parent", 0, 0), (b"over-used", 0, 9), (b"easy", 1, 0)], np.array([0.9, 0.1]), 2)
        [b'over-used', b'easy']
    """
    if not items or count <= 0:
        return []
    parents = np.array([parent for _, parent, _ in items], dtype=np.int64)
    uses = np.array([used for _, _, used in items], dtype=np.float64)
    worth = priorities[parents] / (1 + uses)
    return [items[place][0] for place in np.argsort(worth, kind="stable")[:count]]
