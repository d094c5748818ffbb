"""Answers are taken in as the requests were ordered, in a run that must not depend on timing."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from genaug_data.errors import GenaugWarning
from genaug_data.sample import Recipe, Request
from genaug_data.workers.base import Accepted, Broken, Evicted, Rejected


def key_of(request: Request) -> bytes:
    return request.parent.to_bytes(16, "big")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_order_of_answers(wrap: Callable, seed: int, mode: str) -> None:
    intake = wrap(mode=mode)._own().loop.refresher.intake
    requests = [Request(parent, 0, Recipe(), seed=1, priority=0.5) for parent in range(20)]
    for request in requests:
        intake.ordered(request)
    answers = [Accepted(request, key_of(request)) for request in requests]
    answers[7] = Rejected(requests[7], "g", "no")
    Random(seed).shuffle(answers)
    for number, answer in enumerate(answers, start=1):
        intake.note(answer)
        if mode == "sync":
            came = {one.request.parent for one in answers[:number]}
            in_turn = next(parent for parent in range(21) if parent not in came)
            assert len(intake.on_order) == 20 - in_turn
    taken = [parent for _, parent, _ in intake._catalogue.items()]
    expected = sorted(taken) if mode == "sync" else [one.request.parent for one in answers if one.request.parent != 7]
    assert taken == expected
    assert len(taken) == 19
    assert not intake.on_order


def test_an_answer_out_of_order_is_not_lost_when_the_worker_ends(wrap: Callable) -> None:
    train = wrap(mode="sync")
    intake = train._own().loop.refresher.intake
    first, second = (Request(parent, 0, Recipe(), seed=1, priority=0.5) for parent in (0, 1))
    for request in (first, second):
        intake.ordered(request)
    intake.note(Accepted(second, key_of(second)))
    assert intake.counts["accepted"] == 0
    intake.note(Broken("it ended"))
    assert (intake.counts["accepted"], intake.counts["unanswered"]) == (1, 1)
    # An answer to what is not on order does not wait for anything.
    intake.note(Accepted(first, key_of(first)))
    assert intake.counts["accepted"] == 2
    # Whatever comes twice, the children are those that there are.
    for event in (Accepted(first, key_of(first)), Rejected(second, "g", "no")):
        intake.note(event)
    assert train._own().loop.refresher.planner.state_dict()["children"][:3].tolist() == [1, 1, 0]
    with pytest.warns(GenaugWarning, match="generation has ended, training goes on with real and cached samples"):
        train.close()


def test_what_is_evicted_while_its_answer_waits_is_not_taken_in(wrap: Callable) -> None:
    train = wrap(mode="sync")
    intake = train._own().loop.refresher.intake
    first, second = (Request(parent, 0, Recipe(), seed=1, priority=0.5) for parent in (0, 1))
    for request in (first, second):
        intake.ordered(request)
    for event in (Accepted(second, key_of(second)), Evicted((key_of(second),)), Accepted(first, key_of(first))):
        intake.note(event)
    assert [parent for _, parent, _ in intake._catalogue.items()] == [0]
    assert train._own().loop.refresher.planner.state_dict()["children"][:2].tolist() == [1, 0]


def test_what_is_on_order_is_not_ordered_twice(wrap: Callable) -> None:
    train = wrap(mode="async", worker="process")
    loop = train._own().loop
    requests = [Request(parent, 0, Recipe(), seed=1, priority=0.5) for parent in range(4)]
    assert loop.refresher.ordering.order(requests[:2]) == 2
    assert loop.refresher.ordering.order(requests) == 4
    assert loop.refresher.planner.state_dict()["children"][:5].tolist() == [1, 1, 1, 1, 0]
    loop.worker._account.capacity = 5
    more = [Request(parent, 0, Recipe(), seed=1, priority=0.5) for parent in (4, 0, 5, 6)]
    assert loop.refresher.ordering.order(more) == 2
