"""What paired runs of several arms say: means, paired differences, and how sure these are."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from genaug_data.seeding import derive, numpy_generator

_RESAMPLES = 10_000


def table_rows(results: Mapping[str, Sequence[float]], baseline: str) -> list[tuple[str, str, str]]:
    """Return name, mean and deviation, and the paired gain over the baseline with its 95 % bootstrap interval."""
    rows = []
    for name, values in results.items():
        gain = "" if name == baseline else difference(results, name, baseline)
        spread = f" +- {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        rows.append((name, f"{statistics.mean(values):.1f}{spread}", gain))
    return rows


def paired(results: Mapping[str, Sequence[float]], one: str, other: str) -> list[float]:
    """Return, seed by seed, by how much one arm is better than another."""
    return [value - less for value, less in zip(results[one], results[other], strict=True)]


def difference(results: Mapping[str, Sequence[float]], one: str, other: str) -> str:
    """Return the mean of the paired differences and its 95 % interval as text."""
    gains = paired(results, one, other)
    low, high = bootstrap_interval(gains)
    return f"{statistics.mean(gains):+.1f} ({low:+.1f} to {high:+.1f})"


def bootstrap_interval(gains: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean of paired differences, from 10,000 resamples."""
    draws = numpy_generator(derive(0, "bootstrap")).integers(0, len(gains), (_RESAMPLES, len(gains)))
    low, high = np.quantile(np.asarray(gains)[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
