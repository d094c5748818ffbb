from __future__ import annotations

from genaug_data.sample import Recipe, Request
from genaug_data.workers.errands import Errand, Errands


def requests_of(*parents: int) -> list[Request]:
    return [Request(parent, 0, Recipe(), seed=parent, priority=0.5) for parent in parents]


def places(*parents: int) -> set[tuple[int, int]]:
    return {(parent, 0) for parent in parents}


def test_what_is_left_comes_in_the_order_in_which_it_would_have_come() -> None:
    errands, first, second = Errands(max_attempts=3), requests_of(5, 1, 4), requests_of(2, 3)
    errands.add(first, outstanding=())
    errands.add(second, outstanding=places(1, 4))
    assert errands.count_death(requests_of(1)) == []
    assert errands.left(places(1, 4, 2, 3)) == [
        Errand(first, frozenset(places(5)), frozenset(places(1))),
        Errand(second),
    ]


def test_what_is_in_work_for_a_second_death_comes_last_and_is_given_up_after_the_third() -> None:
    errands, first = Errands(max_attempts=3), requests_of(5, 1, 4)
    errands.add(first, outstanding=())
    errands.count_death(requests_of(5, 1))
    assert errands.count_death(requests_of(5)) == []
    assert errands.left(places(5, 1, 4)) == [
        Errand(first, frozenset(places(5)), frozenset(places(1))),
        Errand(requests_of(5)),
    ]
    assert errands.count_death(requests_of(5)) == requests_of(5)
    errands.answered((5, 0))
    assert errands.left(places(1, 4)) == [Errand(first, frozenset(places(5)), frozenset(places(1)))]


def test_lists_that_are_answered_are_dropped() -> None:
    errands = Errands(max_attempts=3)
    for parent in range(10):
        errands.add(requests_of(parent), outstanding=places(parent))
    assert errands.left(places(*range(10))) == [Errand(requests_of(9))]
