"""From observed steps to the worker's duty, by clocks that are set by hand."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
import torch

from genaug_data.pacing import Pacing
from genaug_data.workers import Budget
from tests.loops import train_for


class Beside:
    """A worker that is always busy when it may be, on a device that stands still for training meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self.busy: float | None = 0.0
        self.duties: list[float] = []
        self.duty = 1.0

    def set_duty(self, duty: float) -> None:
        self.duty = duty
        self.duties.append(duty)

    def busy_seconds(self) -> float | None:
        return self.busy

    def train(self, pacing: Pacing, steps: int, harm: float = 1.0, each: Callable[[], None] = lambda: None) -> None:
        for _ in range(steps):
            taken = 1 / (1 - harm * self.duty) if harm * self.duty < 1 else 100.0
            self.now += taken
            if self.busy is not None:
                self.busy += self.duty * taken
            pacing.step()
            pacing.update()
            each()


def begin(budget: Budget) -> tuple[Beside, Pacing]:
    worker = Beside()
    worker.duty = budget.duty
    return worker, Pacing(worker, budget, clock=lambda: worker.now)


def test_the_worker_is_given_the_duty_that_slows_training_by_a_tenth() -> None:
    worker, pacing = begin(Budget())
    worker.train(pacing, 2000)
    assert pacing.duty == worker.duty
    assert pacing.duty == pytest.approx(1 / 11, rel=0.01)


def test_before_the_first_step_and_in_a_warm_up_there_is_nothing_to_slow_down() -> None:
    worker, pacing = begin(Budget(duty=0.8))
    pacing.begin_pass()
    pacing.update()
    assert (pacing.duty, worker.duties) == (0.8, [])
    worker.train(pacing, 1)
    assert worker.duty == pytest.approx(1 / 11)
    pacing.warm_up()
    pacing.update()
    assert worker.duty == 0.8
    worker.train(pacing, 1)
    assert worker.duty == pytest.approx(1 / 11)


def test_without_a_bound_nothing_is_controlled() -> None:
    worker, pacing = begin(Budget(duty=0.7, slowdown=None))
    worker.train(pacing, 100)
    assert (pacing.duty, worker.duties) == (0.7, [])


def test_the_set_up_of_the_generator_is_no_measure_of_anything() -> None:
    worker, pacing = begin(Budget())
    worker.busy = None
    worker.train(pacing, 500, harm=0.9)
    assert pacing.duty == pytest.approx(1 / 11)
    worker.busy = 0.0
    worker.train(pacing, 2000, harm=0.5)
    assert pacing.duty == pytest.approx(2 / 11, rel=0.01)


def test_the_time_before_a_pass_is_no_step() -> None:
    worker, pacing = begin(Budget())

    steps = itertools.count()

    def evaluate() -> None:
        # So often that one is in every measurement.
        if next(steps) % 4 == 0:
            worker.now += 500.0
            pacing.begin_pass()

    worker.train(pacing, 3000, each=evaluate)
    assert pacing.duty == pytest.approx(1 / 11, rel=0.01)


def test_a_pause_ends_while_no_step_comes() -> None:
    worker, pacing = begin(Budget())
    worker.train(pacing, 5)
    assert worker.duty == 0.0
    worker.now += 4.0
    pacing.update()
    # Steps take a second; the next one may just be late.
    assert worker.duty == 0.0
    worker.now += 4.0
    pacing.update()
    assert worker.duty == pytest.approx(1 / 11)


def test_a_child_that_was_started_again_counts_anew() -> None:
    worker, pacing = begin(Budget())
    worker.train(pacing, 2000)
    worker.busy = 0.0
    worker.train(pacing, 500)
    while pacing.duty == 0.0:
        worker.train(pacing, 1)
    assert pacing.duty == pytest.approx(1 / 11, rel=0.01)


@pytest.mark.parametrize("worker", ["inline", "process"])
def test_an_async_run_is_controlled_and_a_warm_up_is_not(wrap: Callable, worker: str) -> None:
    train = wrap(mode="async", worker=worker, policy="uniform")
    train.warmup()
    assert train.stats()["duty"] == 1.0
    with train:
        end = time.monotonic() + 60
        while train.stats()["duty"] == 1.0:
            assert time.monotonic() < end
            for images, labels, meta in train.loader(batch_size=8):
                train.observe(meta, torch.rand(len(images)), torch.rand(len(images), 3), labels)


def test_a_run_in_which_training_waits_is_not(wrap: Callable) -> None:
    train = wrap(mode="sync", policy="uniform", budget=Budget(slowdown=0.0))
    train_for(train, epochs=2)
    assert train.stats()["duty"] == 1.0
