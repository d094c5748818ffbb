"""When the worker is given requests, and how many of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genaug_data.sample import Recipe, Request
from tests.toys import toy_base


@pytest.mark.parametrize(("mode", "taken"), [("sync", [256, 0, 144]), ("async", [256, 144, 0])])
def test_a_long_list_is_handed_out_in_parts_that_do_not_depend_on_timing(
    wrap: Callable, mode: str, taken: list[int]
) -> None:
    train = wrap(toy_base(400), mode=mode)
    loop = train._own().loop
    # There is room for all at once; what a worker is given in one go decides how it groups its work.
    loop.worker._account.capacity = 1000
    waiting, found = [Request(parent, 0, Recipe(), seed=1, priority=0.5) for parent in range(400)], []
    for answered in (False, False, True):
        if answered:
            loop.settle()
        found.append(loop.order_in_turn(waiting))
        del waiting[: found[-1]]
    assert found == taken
    loop.settle()
    assert train.stats()["accepted"] == 400
