"""What a refresh does, in which order, and what it leaves for when room comes free."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.loops import train_for


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_parts_do_their_work_in_order(wrap: Callable, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    refresher, done = wrap(ratio=0.5, mode=mode)._own().loop.refresher, []
    for part, name in (
        (refresher.repair, "replace"),
        (refresher.retirement, "retire"),
        (refresher.retirement, "evict"),
        (refresher.showing, "publish"),
        (refresher.ordering, "hardest"),
    ):
        monkeypatch.setattr(part, name, lambda *_, name=name: done.append(name))
    refresher.refresh(lambda busy: done.append(f"waits while {busy()}"))
    if mode == "sync":
        # Nothing is taken away or shown while answers are on the way.
        assert done == ["replace", "waits while False", "retire", "publish", "evict", "waits while False", "hardest"]
    else:
        assert done == ["replace", "retire", "publish", "evict", "hardest", "publish"]
    assert refresher.priorities is refresher.choice.priorities


def test_nothing_is_ordered_while_the_file_system_is_full(wrap: Callable) -> None:
    refresher, ordered = wrap(ratio=0.5)._own().loop.refresher, []
    refresher.ordering.hardest = refresher.ordering.more = ordered.append
    refresher.intake.full = True
    refresher.refresh(lambda busy: None)
    assert refresher.ordering.is_paused
    refresher.intake.freed = True
    assert refresher.use_room()
    assert ordered == []


def test_room_that_came_free_is_used_once_and_not_before_the_first_choice(wrap: Callable) -> None:
    refresher, ordered = wrap(ratio=0.5)._own().loop.refresher, []
    refresher.ordering.hardest, refresher.ordering.more = lambda choice: None, ordered.append
    refresher.intake.freed = True
    assert not refresher.use_room()
    refresher.refresh(lambda busy: None)
    assert refresher.use_room()
    assert not refresher.use_room()
    assert ordered == [refresher.choice]


def test_a_run_that_shows_nothing_orders_nothing(wrap: Callable) -> None:
    train = wrap(ratio=0)
    train_for(train, 2)
    refresher = train._own().loop.refresher
    assert refresher.choice is not None
    assert torch.tensor(refresher.priorities).isfinite().all()
    assert train.stats().get("requested", 0) == 0
