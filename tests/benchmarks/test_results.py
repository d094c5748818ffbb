from __future__ import annotations

import statistics

import numpy as np
import pytest

from benchmarks.accuracy.results import difference, interval, table_rows
from genaug_data.seeding import numpy_generator


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    draw = numpy_generator(0)
    for count in (2, 5, 10):
        held = [
            low <= 0.3 <= high for low, high in (interval(draw.normal(0.3, 2, count).tolist()) for _ in range(2000))
        ]
        assert np.mean(held) == pytest.approx(0.95, abs=0.02)
    assert interval([2.0, 2.0]) == (2.0, 2.0)
    assert interval([1.5]) == (1.5, 1.5)


def test_gains_are_paired() -> None:
    shown = table_rows({"base": [10.0, 20.0], "other": [12.0, 22.0]}, "base")
    assert shown == [("base", "15.0 +- 7.1", ""), ("other", "17.0 +- 7.1", "+2.0 (+2.0 to +2.0)")]
    assert difference({"base": [10.0], "other": [12.5]}, "other", "base") == "+2.5"
    low, high = interval([1.0, 2.0, 4.0])
    half = 4.3027 * statistics.stdev([1.0, 2.0, 4.0]) / 3**0.5
    assert (low, high) == (pytest.approx(7 / 3 - half, abs=1e-3), pytest.approx(7 / 3 + half, abs=1e-3))
