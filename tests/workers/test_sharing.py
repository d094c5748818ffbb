"""Generation beside training: it stops within a step, rests without losing anything, and makes the same images."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from genaug_data.cache import CacheReader
from genaug_data.workers import Budget, InlineWorker, Job, ProcessWorker
from genaug_data.workers.base import Accepted, Answer, Cost
from tests.toys import Noisy, Steps
from tests.workers.orders import KINDS, SAMPLES, answers, drain, requests_for


def until(done: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        meanwhile()
        time.sleep(0.002)


@pytest.mark.parametrize("duty", [1.0, 0.05])
@KINDS
def test_closing_ends_a_batch_within_a_step_and_nothing_failed(
    kind: type, duty: float, job: Callable[..., Job], tmp_path: Path
) -> None:
    generator = Steps(count=100_000, seconds=0.005, file=str(tmp_path / "steps"))
    worker = kind(job(generator), Budget(duty=duty))
    worker.submit(requests_for(0, 1, 2, 3, 4))
    news = []
    polling = Thread(target=lambda: until(lambda: worker.stats().state == "closed", lambda: news.extend(worker.poll())))
    polling.start()
    until(lambda: generator.taken > 5)
    worker.close()
    polling.join()
    taken = generator.taken
    news += worker.poll()
    assert not [event for event in news if isinstance(event, Answer)]
    if kind is ProcessWorker:
        # It ended by itself: killed, it would have a signal for a code.
        assert taken < 1000
    time.sleep(0.05)
    assert generator.taken == taken
    # Nothing is lost: it is made when it is asked for again.
    generator.count = 3
    worker.start()
    worker.submit(requests_for(0, 1, 2, 3, 4))
    assert set(answers(drain(worker)).values()) == {"Accepted"}
    worker.close()


def test_a_child_that_is_stopped_within_a_batch_ends_by_itself(job: Callable[..., Job], tmp_path: Path) -> None:
    generator = Steps(count=100_000, seconds=0.001, file=str(tmp_path / "steps"))
    worker = ProcessWorker(job(generator), Budget())
    worker.submit(requests_for(0, 1))
    until(lambda: generator.taken > 5, worker.poll)
    child = worker._child
    child.ask_to_stop(grace=30)
    assert child.process.returncode == 0
    worker.close()


@KINDS
def test_what_a_batch_costs_is_work_without_the_rests(kind: type, job: Callable[..., Job], tmp_path: Path) -> None:
    generator = Steps(count=10, seconds=0.02, file=str(tmp_path / "steps"))
    worker = kind(job(generator, batch_size=2), Budget(duty=0.1))
    worker.submit(requests_for(0, 1, 2, 3))
    began = time.monotonic()
    news = drain(worker)
    took = time.monotonic() - began
    costs = [event.seconds for event in news if isinstance(event, Cost)]
    assert len(costs) == 2
    assert all(cost >= 0.2 for cost in costs)
    # Rests are nine times as long; the clock of a busy machine can make work look longer, never rests shorter.
    assert took > 5 * costs[0]
    assert worker.busy_seconds() == pytest.approx(sum(costs))
    worker.close()
    with CacheReader(job().folder) as reader:
        keys = [event.key for event in news if isinstance(event, Accepted)]
        assert sum(reader.provenance(key).seconds for key in keys) <= sum(costs)


@KINDS
def test_images_do_not_depend_on_the_duty(kind: type, job: Callable[..., Job], tmp_path: Path) -> None:
    found = []
    for duty in (1.0, 0.2):
        generator = Steps(count=3, seconds=0.002, file=str(tmp_path / "steps"))
        worker = kind(job(generator), Budget(duty=duty))
        worker.submit(requests_for(3, 1, 5, 2, 8))
        news = drain(worker)
        keys = sorted(event.key for event in news if isinstance(event, Accepted))
        with CacheReader(job().folder) as reader:
            found.append([(key, child.image.tolist()) for key, child in zip(keys, reader.gather(keys), strict=True)])
        worker.evict(keys)
        until(lambda worker=worker: not worker.stats().evicting, worker.poll)
        worker.close()
    assert len(found[0]) == 5
    assert found[0] == found[1]


@KINDS
def test_a_worker_can_be_paused_and_let_go_on(kind: type, job: Callable[..., Job], tmp_path: Path) -> None:
    generator = Steps(count=4, seconds=0.001, file=str(tmp_path / "steps"))
    worker = kind(job(generator), Budget())
    assert worker.busy_seconds() is None
    worker.set_duty(0.0)
    worker.start()
    drain(worker)
    assert worker.busy_seconds() == 0.0
    worker.submit(requests_for(0, 1))
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        worker.poll()
    # What was begun before it could be heard of goes on to its first step only.
    assert generator.taken <= 1
    worker.set_duty(1.0)
    assert answers(drain(worker)) == {0: "Accepted", 1: "Accepted"}
    assert worker.busy_seconds() > 0
    worker.close()


def test_evictions_and_withdrawals_are_heard_in_a_rest_between_two_batches(job: Callable[..., Job]) -> None:
    worker = ProcessWorker(job(Noisy(), batch_size=1), Budget())
    worker.submit(requests_for(0))
    (key,) = [event.key for event in drain(worker) if isinstance(event, Accepted)]
    worker.set_duty(0.0)
    worker.submit(requests_for(1, 2))
    worker.withdraw(requests_for(2))
    worker.evict([key])
    until(lambda: not worker.stats().evicting, worker.poll)
    worker.set_duty(1.0)
    assert answers(drain(worker))[2] == "Withdrawn"
    worker.close()


def test_a_child_says_that_it_is_alive_while_it_pauses(job: Callable[..., Job], tmp_path: Path) -> None:
    generator = Steps(count=4, seconds=0.001, file=str(tmp_path / "steps"))
    worker = ProcessWorker(job(generator), Budget(duty=0.001))
    worker.submit(requests_for(0, 1))
    until(lambda: generator.taken > 0, worker.poll)
    worker.set_duty(0.0)
    taken = generator.taken
    for _ in range(3):
        word = worker._child.last_word
        until(lambda word=word: worker._child.last_word > word, worker.poll)
    assert generator.taken <= taken + 1
    worker.set_duty(1.0)
    assert answers(drain(worker)) == {0: "Accepted", 1: "Accepted"}
    worker.close()


def test_the_generator_of_an_inline_worker_is_given_back_as_it_was(job: Callable[..., Job], tmp_path: Path) -> None:
    generator = Steps(count=2, file=str(tmp_path / "steps"), between_steps=len)
    generator.between_steps = hook = lambda: None
    worker = InlineWorker(job(generator), Budget())
    worker.submit(requests_for(0, 1))
    drain(worker)
    assert generator.between_steps is hook
    worker.close()
    assert generator.between_steps is hook
    assert SAMPLES[0].image.shape == generator.generate([SAMPLES[0]], requests_for(0))[0].image.shape
