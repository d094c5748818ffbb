"""Rows 1 to 4: the generation process is killed, hangs, fails, runs out of memory. Training does not notice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.errors import GenaugWarning
from genaug_data.workers import Budget
from tests.faults.following import assert_nothing_is_lost, train_through
from tests.toys import Dies, HangsOnce, Raises, RunsOutOfMemory, toy_samples

ASYNC = {"mode": "async", "worker": "process", "policy": "uniform", "ratio": 0.5}


def assert_every_variant_is_one(train: object, batches: list[tuple]) -> None:
    """Each synthetic row shows what the generator makes of its parent, and nothing else."""
    parents = toy_samples(24)
    for images, labels, meta in batches:
        for image, label, index, synthetic in zip(images, labels, meta.index, meta.synthetic, strict=True):
            parent = parents[int(index)]
            difference = image.int() - parent.image.int()
            assert int(label) == parent.target
            assert difference.min() >= (10 if synthetic else 0)
            assert difference.max() <= (50 if synthetic else 0)


def test_a_process_that_is_killed_again_and_again_is_given_up_in_one_sentence(wrap: Callable) -> None:
    train = wrap(**ASYNC)
    worker = train._own().worker
    worker._max_restarts, worker._backoff = 3, 0.1
    killed: list[int] = []
    starts: list[float] = []

    def kill(step: int) -> None:
        child = worker.process_id
        if not train.stats().get("accepted"):
            return
        if child is not None and child not in killed:
            os.kill(child, signal.SIGKILL)
            killed.append(child)
            starts.append(time.monotonic())

    with pytest.warns(GenaugWarning) as said, train:
        batches = train_through(
            train, 40, each=kill, until=lambda: train.stats()["worker"] == "broken", pause=0.03
        ) + train_through(train, 10)
    assert train.stats()["restarts"] == 3
    sentences = [str(one.message) for one in said]
    assert [sentence for sentence in sentences if "is started again" in sentence] == sentences[:1]
    assert [sentence for sentence in sentences if "generation has ended" in sentence] == sentences[1:]
    assert "training goes on with real and cached samples" in sentences[1]
    assert len(killed) == 4
    # The pauses before the restarts double: 0.1, 0.2, 0.4 seconds, besides the starts themselves.
    assert all(end - start > pause for start, end, pause in zip(starts, starts[1:], (0.1, 0.2, 0.4), strict=False))
    assert train.stats()["accepted"] > 0
    assert sum(int(meta.synthetic.sum()) for _, _, meta in batches[-10:]) == 40
    assert_every_variant_is_one(train, batches)
    assert_nothing_is_lost(train)


def test_a_process_killed_in_the_middle_of_a_batch_makes_all_of_it_in_the_end(wrap: Callable, tmp_path: Path) -> None:
    (tmp_path / "deaths").mkdir()
    train = wrap(**ASYNC, generator=Dies(parent=2, times=2, folder=str(tmp_path / "deaths")), max_children=1)
    # No more in a row: what is made in between is an answer, after which restarts are counted anew.
    train._own().worker._max_restarts, train._own().worker._backoff = 1, 0.05
    with pytest.warns(GenaugWarning, match="ended with exit code -9; it is started again"), train:
        batches = train_through(train, 20, until=lambda: train.stats().get("accepted", 0) >= 24, pause=0.03)
    assert train.stats()["restarts"] == 2
    assert_every_variant_is_one(train, batches)
    assert_nothing_is_lost(train)


@pytest.mark.parametrize("how", ["sleeps", "stopped"])
def test_a_process_that_hangs_is_killed_and_its_orders_are_made(wrap: Callable, tmp_path: Path, how: str) -> None:
    generator = {"generator": HangsOnce(mark=str(tmp_path / "mark"))} if how == "sleeps" else {}
    # Longer than the child's imports take on a busy machine: it is silent meanwhile.
    train = wrap(**ASYNC, **generator, max_children=2, budget=Budget(patience=10.0))
    worker = train._own().worker
    worker._backoff = 0.05
    stopped: list[int] = []

    def stop(step: int) -> None:
        if how == "stopped" and not stopped and train.stats()["worker"] == "ready" and train.stats()["on order"]:
            os.kill(worker.process_id, signal.SIGSTOP)
            stopped.append(worker.process_id)

    def all_made() -> bool:
        return train.stats().get("accepted", 0) >= 48 and (how == "sleeps" or bool(stopped))

    with pytest.warns(GenaugWarning, match="said nothing for 10 s"), train:
        batches = train_through(train, 20, each=stop, until=all_made, pause=0.02, seconds=100)
    assert train.stats()["restarts"] == 1
    assert_every_variant_is_one(train, batches)
    assert_nothing_is_lost(train)


def test_a_request_that_always_raises_is_quarantined_and_the_others_go_on(wrap: Callable) -> None:
    train = wrap(**ASYNC, generator=Raises(parent=2), max_children=1)
    with pytest.warns(GenaugWarning, match=r"a variant of example 2 could not be made \(ValueError"), train:
        batches = train_through(train, 20, until=lambda: train.stats().get("accepted", 0) >= 23, pause=0.03)
    failures = train._own().loop.refresher.intake.failures
    assert {failed.request.parent for failed in failures} == {2}
    assert all("Traceback" in failed.reason and "ValueError: no variant of 2" in failed.reason for failed in failures)
    assert_every_variant_is_one(train, batches)
    assert_nothing_is_lost(train)


def test_a_request_that_kills_the_process_each_time_is_quarantined(wrap: Callable, tmp_path: Path) -> None:
    (tmp_path / "deaths").mkdir()
    train = wrap(**ASYNC, generator=Dies(parent=2, times=10**6, folder=str(tmp_path / "deaths")), max_children=1)
    worker = train._own().worker
    worker._errands.max_attempts, worker._backoff = 2, 0.05

    def quarantined() -> bool:
        return train.stats().get("accepted", 0) >= 23 and bool(train._own().loop.refresher.intake.failures)

    with pytest.warns(GenaugWarning) as said, train:
        batches = train_through(train, 20, until=quarantined, pause=0.03)
    sentences = " ".join(str(one.message) for one in said)
    assert "a variant of example 2 could not be made (the generation process ended with exit code -9" in sentences
    assert "generation has ended" not in sentences
    (failed,) = [one for one in train._own().loop.refresher.intake.failures if one.request.variant == 0]
    assert "while it made this, 2 times" in failed.reason
    assert_every_variant_is_one(train, batches)
    assert_nothing_is_lost(train)


@pytest.mark.parametrize("worker", ["inline", "process"])
def test_a_batch_that_runs_out_of_memory_is_halved_until_it_fits(wrap: Callable, worker: str) -> None:
    train = wrap(**ASYNC | {"worker": worker}, generator=RunsOutOfMemory(most=3), max_children=1)
    with pytest.warns(GenaugWarning, match="ran out of memory"), train:
        batches = train_through(train, 20, until=lambda: train.stats().get("accepted", 0) >= 24, pause=0.03)
    assert "failed" not in train.stats()
    assert train.stats()["restarts"] == 0
    assert_every_variant_is_one(train, batches)
    assert_nothing_is_lost(train)
