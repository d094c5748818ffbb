from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.results import bootstrap_interval, table_rows


def test_intervals_are_those_of_the_resampled_mean() -> None:
    low, high = bootstrap_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    # The mean of five draws has a deviation of sqrt(2 / 5).
    assert low == pytest.approx(3 - 1.96 * np.sqrt(2 / 5), abs=0.15)
    assert high == pytest.approx(3 + 1.96 * np.sqrt(2 / 5), abs=0.15)
    assert bootstrap_interval([2.0, 2.0]) == (2.0, 2.0)
    shown = table_rows({"base": [10.0, 20.0], "other": [12.0, 22.0]}, "base")
    assert shown == [("base", "15.0 +- 7.1", ""), ("other", "17.0 +- 7.1", "+2.0 (+2.0 to +2.0)")]
