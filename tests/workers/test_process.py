"""A worker in a process of its own, which may die at any moment."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.sample import Sample
from genaug_data.workers import Budget, Job, ProcessWorker
from genaug_data.workers.base import Broken, Event, Failed, Ready, Warned
from tests.toys import Dies, Noisy, WaitsFor
from tests.workers.orders import SAMPLES, answers, drain, requests_for


def test_a_killed_process_is_started_again_and_its_orders_are_made(job: Callable[..., Job], tmp_path: Path) -> None:
    (tmp_path / "deaths").mkdir()
    generator = Dies(parent=2, times=1, folder=str(tmp_path / "deaths"))
    worker = ProcessWorker(job(generator), Budget(), backoff=0.05)
    worker.submit(requests_for(0, 1, 2, 3, 4, 5))
    worker.submit(requests_for(6, 7))
    news = drain(worker)
    stats = worker.stats()
    worker.close()
    # In the order in which they would have come.
    assert list(answers(news).items()) == [(parent, "Accepted") for parent in range(8)]
    assert stats.restarts == 1
    (warned,) = [event for event in news if isinstance(event, Warned)]
    assert "ended with exit code -9" in warned.reason


def test_a_request_that_kills_the_process_every_time_is_quarantined(job: Callable[..., Job], tmp_path: Path) -> None:
    (tmp_path / "deaths").mkdir()
    generator = Dies(parent=2, times=1000, folder=str(tmp_path / "deaths"))
    worker = ProcessWorker(job(generator), Budget(), backoff=0.01, max_attempts=2)
    worker.submit(requests_for(0, 1, 2, 3))
    news = drain(worker)
    worker.close()
    assert answers(news) == {0: "Accepted", 1: "Accepted", 2: "Failed", 3: "Accepted"}
    (failed,) = [event for event in news if isinstance(event, Failed)]
    assert "while it made this, 2 times" in failed.reason


def test_it_gives_up_once_after_too_many_restarts(job: Callable[..., Job]) -> None:
    worker = ProcessWorker(job(), Budget(), backoff=0.01, max_restarts=1)
    worker.submit(requests_for(0))
    news: list[Event] = []
    end = time.monotonic() + 60
    while worker.stats().state != "broken":
        if worker.process_id is not None:
            os.kill(worker.process_id, signal.SIGKILL)
        news += worker.poll()
        assert time.monotonic() < end
    news += worker.poll()
    assert [type(event) for event in news] == [Warned, Broken]
    assert worker.submit(requests_for(1)) == 0
    assert worker.stats().outstanding == 0
    worker.close()


def test_a_dataset_that_cannot_be_pickled_is_refused_in_a_sentence(tmp_path: Path) -> None:
    class Locked(list):
        def __reduce_ex__(self, protocol: int) -> None:
            raise TypeError("holds a lock")

    job = Job(Locked(SAMPLES), Noisy(), [], tmp_path / "cache", "toy", 1 << 24, progress=False)
    worker = ProcessWorker(job, Budget())
    worker.start()
    (broken,) = worker.poll()
    worker.close()
    assert "cannot be sent to the generation process (holds a lock)" in broken.reason


def test_the_child_ends_with_its_worker(job: Callable[..., Job]) -> None:
    worker = ProcessWorker(job(), Budget())
    worker.start()
    drain(worker)
    child = worker.process_id
    del worker
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_what_was_withdrawn_stays_so_when_the_process_dies(job: Callable[..., Job], tmp_path: Path) -> None:
    worker = ProcessWorker(job(WaitsFor(mark=str(tmp_path / "go")), batch_size=1), Budget(), backoff=0.01)
    worker.submit(requests_for(0, 1, 2))
    news: list[Event] = []
    while worker.stats().state == "starting":
        news += worker.poll()
    worker.withdraw(requests_for(1, 2))
    os.kill(worker.process_id, signal.SIGKILL)
    (tmp_path / "go").touch()
    news += drain(worker)
    worker.close()
    assert answers(news) == {0: "Accepted", 1: "Withdrawn", 2: "Withdrawn"}


def test_silence_counts_from_when_there_was_something_to_do(job: Callable[..., Job]) -> None:
    worker = ProcessWorker(job(), Budget())
    worker.start()
    drain(worker)
    for give in (lambda: worker.submit(requests_for(0)), lambda: worker.evict([b"k" * 16])):
        # Nobody has polled for a day, and the child says nothing before the next poll.
        os.kill(worker.process_id, signal.SIGSTOP)
        worker._child.last_word -= 86_400
        give()
        worker.poll()
        assert worker.stats().restarts == 0
        os.kill(worker.process_id, signal.SIGCONT)
        drain(worker)
    worker.close()


def test_a_large_dataset_is_sent_while_the_trainer_goes_on(job: Callable[..., Job]) -> None:
    large = dataclasses.replace(job(), samples=[*SAMPLES, Sample(torch.zeros(3, 4096, 4096, dtype=torch.uint8), 0)])
    worker = ProcessWorker(large, Budget())
    worker.submit(requests_for(0))
    # No child can have read 48 MB: there is none before the first poll.
    assert worker.process_id is None
    assert worker.stats().state == "starting"
    assert answers(drain(worker)) == {0: "Accepted"}
    worker.close()


class TakesLongToPickle(list):
    """A dataset whose pickling takes a while."""

    def __reduce_ex__(self, protocol: int) -> tuple:
        time.sleep(1.0)
        return list, (list(self),)


def test_a_worker_that_is_closed_while_it_starts_leaves_no_child(job: Callable[..., Job]) -> None:
    worker = ProcessWorker(dataclasses.replace(job(), samples=TakesLongToPickle(SAMPLES)), Budget())
    worker.start()
    polling = threading.Thread(target=worker.poll)
    polling.start()
    time.sleep(0.3)
    worker.close()
    polling.join()
    assert worker.process_id is None


def test_a_child_that_becomes_ready_while_its_worker_closes_is_not_started_again(job: Callable[..., Job]) -> None:
    worker = ProcessWorker(job(), Budget())
    worker.start()
    worker.poll()
    # It reads the stop behind the job, after it has set up and said so.
    worker._child.ask_to_stop(grace=30)
    worker.close()
    assert worker.stats().state == "closed"
    assert [type(event) for event in worker.poll()] == [Ready]
    assert worker.process_id is None


def test_a_worker_that_gives_up_waits_for_no_eviction(job: Callable[..., Job]) -> None:
    worker = ProcessWorker(job(), Budget(), backoff=0.01, max_restarts=0)
    worker.submit(requests_for(0))
    drain(worker)
    os.kill(worker.process_id, signal.SIGKILL)
    worker.evict([b"k" * 16])
    end = time.monotonic() + 30
    while worker.stats().state != "broken":
        worker.poll()
        assert time.monotonic() < end
    assert worker.stats().evicting == 0
    worker.close()
