from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheReader
from genaug_data.errors import CacheFull
from genaug_data.gates import NoOp
from genaug_data.planner import Planner
from genaug_data.recipes import RecipePolicy
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.workers import Budget, InlineWorker, Job, ProcessWorker, Worker
from genaug_data.workers.base import (
    Accepted,
    Answer,
    Broken,
    Cost,
    Event,
    Evicted,
    Failed,
    Full,
    Ready,
    Rejected,
    Warned,
)
from genaug_data.workers.production import Production
from tests.toys import Dies, Noisy, Raises, RunsOutOfMemory, Shrinks, Slow, WaitsFor, noisy, toy_samples

SAMPLES = toy_samples()


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def _no_child_stays_behind() -> Iterator[None]:
    # Those of earlier tests, such as the resource tracker of spawned DataLoader workers, are not ours.
    before = children()
    yield
    assert children() <= before


def requests_for(*parents: int, strength: float = 0.5) -> list[Request]:
    return [Request(parent, 0, Recipe(strength), 100 + parent, 1.0) for parent in parents]


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    def make(generator: object = None, **arguments: object) -> Job:
        arguments.setdefault("gates", [])
        arguments.setdefault("max_bytes", 1 << 24)
        arguments.setdefault("batch_size", 4)
        return Job(
            SAMPLES, generator or Noisy(), folder=tmp_path / "cache", identity="toy", progress=False, **arguments
        )

    return make


def drain(worker: Worker, seconds: float = 60.0) -> list[Event]:
    """Poll until everything ordered is answered, or the worker gave up."""
    news, end = [], time.monotonic() + seconds
    while True:
        news += worker.poll()
        stats = worker.stats()
        if stats.state == "broken" or (stats.state == "ready" and not stats.outstanding):
            return news + worker.poll()
        assert time.monotonic() < end, f"the worker did not finish: {stats}, {news}"
        time.sleep(0.005)


def answers(news: list[Event]) -> dict[int, str]:
    return {e.request.parent: type(e).__name__ for e in news if isinstance(e, Answer)}


KINDS = pytest.mark.parametrize("kind", [InlineWorker, ProcessWorker])


@KINDS
def test_orders_become_records(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(), Budget())
    assert worker.stats().state == "idle"
    assert worker.submit(requests_for(3, 1, 5)) == 3
    news = drain(worker)
    worker.close()
    assert isinstance(news[0], Ready)
    assert answers(news) == {3: "Accepted", 1: "Accepted", 5: "Accepted"}
    assert sum(event.images for event in news if isinstance(event, Cost)) == 3
    keys = {event.request.parent: event.key for event in news if isinstance(event, Accepted)}
    with CacheReader(job().folder) as reader:
        for parent, key in keys.items():
            child = reader.gather([key])[0]
            expected = noisy(SAMPLES[parent], requests_for(parent)[0])
            assert child.image.equal(expected.image)
            assert child.target == expected.target
            assert reader.provenance(key).parent == parent


@KINDS
def test_a_repeated_order_is_found_and_not_made_again(kind: type, job: Callable[..., Job]) -> None:
    for made in (True, False):
        worker = kind(job(), Budget())
        worker.submit(requests_for(3, 1))
        news = drain(worker)
        worker.close()
        assert [event.made for event in news if isinstance(event, Accepted)] == [made, made]


@KINDS
def test_rejections_name_their_gate_and_are_remembered(kind: type, job: Callable[..., Job]) -> None:
    class Copies(Noisy):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return [Sample(parent.image.clone(), parent.target) for parent in parents]

    gates = []
    for _ in range(2):
        worker = kind(job(Copies("copies"), gates=[NoOp()]), Budget())
        worker.submit(requests_for(2))
        (rejected,) = [event for event in drain(worker) if isinstance(event, Rejected)]
        gates.append(rejected.gate)
        worker.close()
    assert gates == [NoOp().name, "known"]


@KINDS
def test_one_bad_request_does_not_take_the_others_along(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(Raises(parent=2)), Budget())
    worker.submit(requests_for(0, 1, 2, 3))
    news = drain(worker)
    worker.close()
    assert answers(news) == {0: "Accepted", 1: "Accepted", 2: "Failed", 3: "Accepted"}
    (failed,) = [event for event in news if isinstance(event, Failed)]
    assert "ValueError: no variant of 2" in failed.reason
    assert failed.final


@KINDS
def test_out_of_memory_halves_the_batch(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(RunsOutOfMemory(most=2), batch_size=8), Budget())
    worker.submit(requests_for(*range(8)))
    news = drain(worker)
    worker.close()
    assert set(answers(news).values()) == {"Accepted"}
    assert [event.images for event in news if isinstance(event, Cost)] == [0, 0, 2, 2, 2, 2]
    assert any(isinstance(event, Warned) and "ran out of memory" in event.reason for event in news)


@KINDS
def test_a_wrong_size_fails_the_request_in_a_sentence(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(Shrinks()), Budget())
    worker.submit(requests_for(0))
    (failed,) = [event for event in drain(worker) if isinstance(event, Failed)]
    worker.close()
    assert "GeneratorError" in failed.reason


@KINDS
def test_back_pressure_and_budget_refuse_what_is_too_much(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(), Budget(images=5), capacity=4)
    assert worker.submit(requests_for(0, 1, 2, 3, 4, 5)) == 4
    assert worker.submit(requests_for(6)) == 0
    drain(worker)
    assert worker.submit(requests_for(6, 7)) == 1
    drain(worker)
    assert worker.submit(requests_for(8)) == 0
    assert worker.stats().images == 5
    worker.close()
    assert worker.submit(requests_for(9)) == 0


@KINDS
def test_eviction_is_confirmed(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(), Budget())
    worker.submit(requests_for(0, 1))
    keys = [event.key for event in drain(worker) if isinstance(event, Accepted)]
    worker.evict(keys[:1])
    news: list[Event] = []
    end = time.monotonic() + 30
    while not any(isinstance(event, Evicted) for event in news):
        news += worker.poll()
        assert time.monotonic() < end
    worker.close()
    assert news == [Evicted((keys[0],))]
    with CacheReader(job().folder) as reader:
        assert [child is None for child in reader.gather(keys)] == [True, False]


@KINDS
def test_a_folder_of_another_generator_breaks_the_worker_in_a_sentence(kind: type, job: Callable[..., Job]) -> None:
    first = kind(job(), Budget())
    first.start()
    drain(first)
    first.close()
    second = kind(job(Noisy("other")), Budget())
    second.start()
    (broken,) = drain(second)
    assert isinstance(broken, Broken)
    assert "noisy" in broken.reason
    second.close()


@KINDS
def test_closing_twice_and_before_the_start_is_fine(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(), Budget())
    worker.close()
    worker.close()
    assert worker.stats().state == "closed"
    assert worker.poll() == []


def test_a_killed_process_is_started_again_and_its_orders_are_made(job: Callable[..., Job], tmp_path: Path) -> None:
    (tmp_path / "deaths").mkdir()
    generator = Dies(parent=2, times=1, folder=str(tmp_path / "deaths"))
    worker = ProcessWorker(job(generator), Budget(), backoff=0.05)
    worker.submit(requests_for(0, 1, 2, 3, 4, 5))
    news = drain(worker)
    stats = worker.stats()
    worker.close()
    assert set(answers(news).values()) == {"Accepted"}
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


def test_planned_requests_can_be_served(job: Callable[..., Job]) -> None:
    planner = Planner(len(SAMPLES), RecipePolicy(), max_children=1, seed=0)
    worker = InlineWorker(job(), Budget())
    orders = list(planner.everyone(1))
    assert worker.submit(orders) == len(SAMPLES)
    assert set(answers(drain(worker)).values()) == {"Accepted"}
    worker.close()


@KINDS
def test_withdrawn_requests_are_not_made(kind: type, job: Callable[..., Job], tmp_path: Path) -> None:
    worker = kind(job(WaitsFor(mark=str(tmp_path / "go")), batch_size=2), Budget())
    worker.submit(requests_for(0, 1, 2, 3, 4, 5))
    if kind is ProcessWorker:
        while worker.stats().state == "starting":
            worker.poll()
    worker.withdraw(requests_for(1, 2, 3, 5))
    worker.withdraw(requests_for(3, 9))
    (tmp_path / "go").touch()
    found = answers(drain(worker))
    # The first two may have been begun before the child heard of it.
    assert {parent: found[parent] for parent in (0, 2, 3, 4, 5)} == {
        0: "Accepted",
        2: "Withdrawn",
        3: "Withdrawn",
        4: "Accepted",
        5: "Withdrawn",
    }
    assert worker.submit(requests_for(2)) == 1
    assert answers(drain(worker)) == {2: "Accepted"}
    worker.close()


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


@KINDS
def test_a_budget_of_seconds_takes_back_what_it_does_not_cover(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(Slow(), batch_size=1), Budget(seconds=0.5))
    assert worker.submit(requests_for(0, 1, 2, 3, 4, 5)) == 6
    found = answers(drain(worker))
    worker.close()
    # Two calls reach the bound; one more may have begun before the child heard of it.
    assert [found[parent] for parent in (0, 1, 4, 5)] == ["Accepted", "Accepted", "Withdrawn", "Withdrawn"]
    assert worker.submit(requests_for(7)) == 0


def test_a_large_dataset_is_sent_while_the_trainer_goes_on(job: Callable[..., Job]) -> None:
    large = dataclasses.replace(job(), samples=[*SAMPLES, Sample(torch.zeros(3, 4096, 4096, dtype=torch.uint8), 0)])
    worker = ProcessWorker(large, Budget())
    worker.submit(requests_for(0))
    # No child can have read 48 MB: there is none before the first poll.
    assert worker.process_id is None
    assert worker.stats().state == "starting"
    assert answers(drain(worker)) == {0: "Accepted"}
    worker.close()


class Forgets(NoOp):
    """A gate that fails after the fact."""

    def remember(self, keys: list[bytes], children: list[Sample]) -> None:
        raise KeyError("no memory")


def test_a_gate_that_cannot_remember_loses_no_variant(job: Callable[..., Job]) -> None:
    worker = InlineWorker(job(gates=[Forgets()]), Budget())
    worker.submit(requests_for(0, 1))
    news = drain(worker)
    assert answers(news) == {0: "Accepted", 1: "Accepted"}
    (warned,) = [event for event in news if isinstance(event, Warned)]
    assert "the gate 'no_op' could not take note of it: KeyError: 'no memory'" in warned.reason
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


class FillsUp:
    """Stands for a cache whose file system has no room even for an eviction."""

    def evict(self, keys: list[bytes]) -> int:
        raise CacheFull("no room")

    def close(self) -> None:
        """Nothing is open."""


def test_an_eviction_that_finds_no_room_is_answered(job: Callable[..., Job]) -> None:
    production = Production(job())
    production._writer = FillsUp()
    assert production.evict([b"k" * 16]) == [Evicted(()), Full("no room")]
    production.close()


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
