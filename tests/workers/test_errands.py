from __future__ import annotations

from genaug_data.sample import Recipe, Request
from genaug_data.workers.errands import Errand, Errands


def requests_of(*parents: int) -> list[Request]:
    return [Request(parent, 0, Recipe(), seed=parent, priority=0.5) for parent in parents]


def places(*parents: int) -> set[tuple[int, int]]:
    return {(parent, 0) for parent in parents}


def test_what_is_left_comes_in_the_order_in_which_it_would_have_come() -> None:
    errands, first, second = Errands(max_attempts=3), requests_of(5, 1, 4), requests_of(2, 3)
    errands.add(first)
    errands.add(second)
    errands.answered((5, 0))
    assert errands.count_death(requests_of(1)) == []
    assert errands.left() == [
        Errand(first, frozenset(places(5)), frozenset(places(1))),
        Errand(second),
    ]


def test_what_is_in_work_for_a_second_death_comes_last_and_is_given_up_after_the_third() -> None:
    errands, first = Errands(max_attempts=3), requests_of(5, 1, 4)
    errands.add(first)
    errands.count_death(requests_of(5, 1))
    assert errands.count_death(requests_of(5)) == []
    assert errands.left() == [
        Errand(first, frozenset(places(5)), frozenset(places(1))),
        Errand(requests_of(5)),
    ]
    assert errands.count_death(requests_of(5)) == requests_of(5)
    errands.answered((5, 0))
    assert errands.left() == [Errand(first, frozenset(places(5)), frozenset(places(1)))]


def test_a_place_that_was_answered_and_asked_for_again_is_left_once() -> None:
    errands, first, again = Errands(max_attempts=3), requests_of(1, 2), requests_of(1)
    errands.add(first)
    errands.answered((1, 0))
    errands.add(again)
    assert errands.left() == [Errand(first, frozenset(places(1))), Errand(again)]


def test_lists_that_are_answered_are_dropped() -> None:
    errands = Errands(max_attempts=3)
    for parent in range(10):
        errands.add(requests_of(parent))
        if parent < 9:
            errands.answered((parent, 0))
    assert errands.left() == [Errand(requests_of(9))]
    assert len(errands._lists) == 1
