"""The best split of a line of values into two clusters, in every class at once."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.ranks import class_order


def lower_of_two(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return which values are in the lower of their class's two clusters, bool ``(N,)``.

    The clusters are those of least squared distance to their two means: on a line, these are the two sides of one of
    N - 1 cuts, so the best is found exactly, without random starts. Equal values are never parted, and of equally good
    cuts the lowest is taken; a class of equal values has no lower cluster.

    Args:
        values: float32 ``(N,)``, finite.
        labels: int32 ``(N,)``.

    Example:
        >>> lower_of_two(np.float32([0.1, 0.9, 0.2, 0.8, 0.5]), np.int32([0, 0, 0, 0, 1])).tolist()
        [True, False, True, False, False]
    """
    size = len(values)
    lower = np.zeros(size, dtype=bool)
    if size < 2:
        return lower
    order = class_order(values, labels)
    values, labels = values[order].astype(np.float64), labels[order]
    starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))
    sizes = np.diff(starts, append=size)
    group = np.repeat(np.arange(len(starts)), sizes)
    gain = _between(values, starts, sizes, group)
    best = np.maximum.reduceat(gain, starts)
    cut = np.minimum.reduceat(np.where(gain == best[group], np.arange(size), size), starts)
    lower[order] = (np.arange(size) <= cut[group]) & (best[group] > 0)
    return lower


def _between(values: np.ndarray, starts: np.ndarray, sizes: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return how far a cut behind each value parts its class, as the squared error falls; 0 where none can be."""
    centred = values - (np.add.reduceat(values, starts) / sizes)[group]
    sums = np.cumsum(centred)
    sums -= (sums[starts] - centred[starts])[group]
    left = np.arange(1, len(values) + 1) - starts[group]
    right = sizes[group] - left
    gain = np.square(sums) / (left * np.maximum(right, 1))
    gain[right == 0] = 0
    gain[:-1][values[1:] == values[:-1]] = 0
    return gain
