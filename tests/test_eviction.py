from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.eviction import victims


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=20),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.integers(0, 25),
)
def test_the_least_worth_leave_first(rows: list[tuple[int, int]], values: list[float], count: int) -> None:
    items = [(number.to_bytes(16, "big"), parent, uses) for number, (parent, uses) in enumerate(rows)]
    expected = sorted(
        range(len(items)), key=lambda number: (np.float64(values[rows[number][0]]) / (1 + rows[number][1]), number)
    )
    assert victims(items, np.array(values), count) == [items[number][0] for number in expected[:count]]
