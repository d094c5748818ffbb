"""What every worker does alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from genaug_data.cache import CacheReader
from genaug_data.workers import Budget, Job, ProcessWorker
from genaug_data.workers.base import Accepted, Cost, Event, Evicted, Ready
from tests.toys import WaitsFor, noisy
from tests.workers.orders import KINDS, SAMPLES, answers, drain, requests_for


@KINDS
def test_orders_become_records(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(), Budget())
    assert worker.stats().state == "idle"
    assert worker.submit(requests_for(3, 1, 5)) == 3
    news = drain(worker)
    worker.close()
    assert isinstance(news[0], Ready)
    assert answers(news) == {3: "Accepted", 1: "Accepted", 5: "Accepted"}
    assert worker.stats().images == 3
    assert sum(isinstance(event, Cost) for event in news) == 1
    keys = {event.request.parent: event.key for event in news if isinstance(event, Accepted)}
    with CacheReader(job().folder) as reader:
        for parent, key in keys.items():
            child = reader.gather([key])[0]
            expected = noisy(SAMPLES[parent], requests_for(parent)[0])
            assert child.image.equal(expected.image)
            assert child.target == expected.target
            assert reader.provenance(key).parent == parent


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
def test_closing_twice_and_before_the_start_is_fine(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(), Budget())
    worker.close()
    worker.close()
    assert worker.stats().state == "closed"
    assert worker.poll() == []


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
