"""Ranks within classes, fast enough for millions of examples."""

from __future__ import annotations

import numpy as np

_KEY_BITS = 64


def class_ranks(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return where each value stands within its class, float32 ``(N,)`` in (0, 1), whose mean in every class is 1/2.

    The rank is the share of the class that is smaller, plus half the share that is equal (the value itself included), so
    that equal values have equal ranks and the only member of a class has 1/2. Ranks are outlier-proof, and taken within
    classes they do not make one hard class the only parent.

    Args:
        values: float32 ``(N,)``, no NaN; N below 2**32.
        labels: int32 ``(N,)``, any values.

    Example:
        >>> class_ranks(np.float32([0.3, 0.1, 0.9, 0.5, 0.5]), np.int32([0, 0, 1, 0, 0])).tolist()
        [0.375, 0.125, 0.5, 0.75, 0.75]
    """
    size = len(values)
    if size == 0:
        return np.empty(0, dtype=np.float32)
    order, groups, value_bits = _sort(_ordered(values), labels.astype(np.int64) - int(labels.min()))
    # A run is a stretch of equal values of one class.
    run_starts = _starts(groups)
    run_classes = groups[run_starts] >> np.uint64(value_bits)
    first_runs = _starts(run_classes)
    class_starts = run_starts[first_runs]
    runs_of_class = np.diff(first_runs, append=len(run_starts))
    class_sizes = np.repeat(np.diff(class_starts, append=size), runs_of_class)
    run_sizes = np.diff(run_starts, append=size)
    smaller = run_starts - np.repeat(class_starts, runs_of_class)
    ranks = ((smaller + 0.5 * run_sizes) / class_sizes).astype(np.float32)
    result = np.empty(size, dtype=np.float32)
    result[order] = ranks if len(ranks) == size else np.repeat(ranks, run_sizes)
    return result


def _ordered(values: np.ndarray) -> np.ndarray:
    """Return unsigned integers from 0 on, uint64, that sort as the floats do."""
    # Adding 0 turns -0 into 0. The bits of floats sort as integers once those of negative ones are flipped.
    bits = (values.astype(np.float32, copy=False) + np.float32(0)).view(np.int32)
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)
    return (ordered - ordered.min()).view(np.uint64)


def _sort(ordered: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Sort by class, then value.

    Sorting integers that hold class, value and index in one takes a quarter of the time of argsort of the values alone.

    Returns:
        The order, int64; class and value in that order in one uint64; the number of bits of the latter that are the
        value's.
    """
    size, unsigned = len(ordered), classes.view(np.uint64)
    index = np.arange(size, dtype=np.uint64)
    index_bits, value_bits = size.bit_length(), int(ordered.max()).bit_length()
    class_bits = int(classes.max()).bit_length()
    if class_bits + value_bits + index_bits <= _KEY_BITS:
        keys = (((unsigned << np.uint64(value_bits)) | ordered) << np.uint64(index_bits)) | index
        keys.sort()
        return _low(keys, index_bits), keys >> np.uint64(index_bits), value_bits
    by_value = (ordered << np.uint64(32)) | index
    by_value.sort()
    order = _low(by_value, 32)
    by_class = (unsigned[order] << np.uint64(32)) | index
    by_class.sort()
    order = order[_low(by_class, 32)]
    return order, (by_class & ~np.uint64(0xFFFFFFFF)) | ordered[order], 32


def _low(keys: np.ndarray, bits: int) -> np.ndarray:
    return (keys & np.uint64((1 << bits) - 1)).view(np.int64)


def _starts(sorted_values: np.ndarray) -> np.ndarray:
    changed = np.empty(len(sorted_values), dtype=bool)
    changed[0] = True
    np.not_equal(sorted_values[1:], sorted_values[:-1], out=changed[1:])
    return np.flatnonzero(changed)
