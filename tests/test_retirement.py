from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(("in_a_row", "leaving"), [(0, 4), (1, 9), (2, 19), (3, 24), (9, 24)])
def test_a_full_file_system_takes_twice_as_many_each_time(wrap: Callable, in_a_row: int, leaving: int) -> None:
    train = wrap(mode="async", worker="inline")
    train.warmup(2)
    loop = train._own().loop
    loop.intake.full, loop.intake.full_in_a_row = True, in_a_row
    loop.retirement.retire(loop.targeting.choose(loop.feedback.table))
    assert len(loop.intake.leaving) == leaving
    assert len(loop.catalogue) == 48 - leaving
