"""Ranks within classes, fast enough for millions of examples."""

from __future__ import annotations

import numpy as np


def class_ranks(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return each value's rank within its class over the size of the class, float64 ``(N,)`` in (0, 1].

    Ranks are outlier-proof, and taken within classes they do not make one hard class the only parent. Equal values
    rank in the order of their index.

    Args:
        values: float32 ``(N,)``, no NaN, N below 2**32.
        labels: int32 ``(N,)``; negative ones are a class of their own.

    Example:
        >>> class_ranks(np.float32([0.3, 0.1, 0.9, 0.5]), np.int32([0, 0, 1, 0])).round(2).tolist()
        [0.67, 0.33, 1.0, 1.0]
    """
    # Sorting integers that hold value and place in one is several times faster than argsort, and stable. Flipping
    # the bits of negative floats makes their bit patterns sort as they do.
    bits = (values.astype(np.float32) + np.float32(0)).view(np.int32)
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64) + 2**31
    packed = (ordered.astype(np.uint64) << np.uint64(32)) | np.arange(len(values), dtype=np.uint64)
    packed.sort()
    by_value = (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)
    shifted = labels - min(int(labels.min(initial=0)), 0)
    sizes = np.bincount(shifted)
    starts = np.cumsum(sizes) - sizes
    # A stable sort of 16-bit integers is a radix sort.
    narrow = shifted.astype(np.uint16) if len(sizes) <= 2**16 else shifted
    by_class = by_value[np.argsort(narrow[by_value], kind="stable")]
    classes = np.repeat(np.arange(len(sizes)), sizes)
    ranks = np.empty(len(values))
    ranks[by_class] = (np.arange(len(values)) - starts[classes] + 1) / sizes[classes]
    return ranks
