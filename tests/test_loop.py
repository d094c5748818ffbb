"""Variants keep coming while training goes on, whatever fails."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from genaug_data.errors import GenaugWarning
from genaug_data.workers import Budget
from tests.loops import train_for
from tests.toys import Raises, Shrinks, WaitsFor, toy_base


def test_an_async_run_with_a_process_fills_up_and_never_waits(wrap: Callable) -> None:
    train = wrap(mode="async", worker="process", policy="uniform", ratio=0.5)
    shown = 0
    with train:
        end = time.monotonic() + 90
        while shown < 20:
            assert time.monotonic() < end, train.stats()
            for images, labels, meta in train.loader(batch_size=8):
                shown += int(meta.synthetic.sum())
                train.observe(meta, torch.rand(len(images)), torch.rand(len(images), 3), labels)
    stats = train.stats()
    assert stats["worker"] == "closed"
    assert stats["accepted"] >= 1


def test_a_failing_request_is_kept_with_its_traceback(wrap: Callable) -> None:
    train = wrap(generator=Raises(parent=3), policy="uniform")
    with pytest.warns(GenaugWarning, match=r"example 3 could not be made \(ValueError: no variant of 3\); others"):
        train.warmup()
    (failure,) = train._own().loop.refresher.intake.failures
    assert failure.request.parent == 3
    assert "ValueError: no variant of 3" in failure.reason
    assert train.stats()["failed"] == 1


def test_a_full_cache_stays_within_its_bound(wrap: Callable) -> None:
    train = wrap(max_bytes=40_000, policy="uniform")
    train_for(train, epochs=10)
    stats = train.stats()
    assert stats["cached bytes"] <= 40_000
    assert stats["evicted"] > 0
    assert len(train._own().catalogue) == stats["cached"]


def test_a_generator_of_wrong_sizes_costs_nothing_but_its_requests(wrap: Callable) -> None:
    train = wrap(generator=Shrinks(), policy="uniform")
    with pytest.warns(GenaugWarning, match="could not be made"):
        assert train.warmup()["failed"] == 24
    assert len(train_for(train, epochs=2)) == 6


def test_a_broken_policy_does_not_stop_training(wrap: Callable) -> None:
    def broken(table: object) -> np.ndarray:
        raise ZeroDivisionError("my policy")

    train = wrap(mode="async", policy=broken)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with train:
            end = time.monotonic() + 30
            while not any("my policy" in str(warning.message) for warning in caught):
                assert time.monotonic() < end
                for images, labels, meta in train.loader(batch_size=8):
                    train.observe(meta, torch.rand(len(images)), torch.rand(len(images), 3), labels)


def test_budgets_bound_what_is_made(wrap: Callable) -> None:
    train = wrap(policy="uniform", budget=Budget(images=5))
    train_for(train, epochs=4)
    assert train.stats()["images made"] == 5


def test_requests_that_became_easy_give_way(wrap: Callable, tmp_path: Path) -> None:
    hardness = np.zeros(400)
    hardness[:300] = 1
    generator = WaitsFor(mark=str(tmp_path / "go"))
    train = wrap(
        toy_base(400), mode="async", worker="process", generator=generator, ratio=0.5, policy=lambda table: hardness
    )
    loader = train.loader(batch_size=50)

    def see_all() -> None:
        for images, labels, meta in loader:
            train.observe(meta, torch.rand(len(images)), torch.rand(len(images), 3), labels)
            time.sleep(0.01)

    def wait_for(reached: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < end, train.stats()
            see_all()

    with train:
        wait_for(lambda: train.stats().get("requested", 0) == 256)
        # Now others are hard; nothing of them is on order, and there is no room for more.
        hardness[:300], hardness[300:] = 0, 1
        wait_for(lambda: train._own().loop.refresher.priorities[399] > train._own().loop.refresher.priorities[0])
        (tmp_path / "go").touch()
        wait_for(lambda: {parent for _, parent, _ in train._own().catalogue.items()} >= set(range(300, 400)))
    assert train.stats()["withdrawn"] >= 100
