"""A cache is brought back to what a state knows, in an order that only the state decides."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from genaug_data.cache import CacheReader
from genaug_data.lineup import Lineup
from genaug_data.reconciliation import reconcile
from genaug_data.sample import Recipe, Request
from genaug_data.workers import Budget, InlineWorker, Job
from genaug_data.workers.base import Accepted, Answer, Broken, Evicted, Worker
from tests.loops import train_for
from tests.toys import Noisy, toy_samples

SAMPLES = toy_samples(24)
KNOWN = list(range(20))
HELD = [3, 17, 22, 8, 21, 0, 12]
"""Parents whose variants a cache holds, two of which the state does not know."""


class Recording(InlineWorker):
    """Keeps the requests that it took, in order."""

    def __init__(self, folder: Path) -> None:
        job = Job(SAMPLES, Noisy(), gates=[], folder=folder, identity="toy", max_bytes=1 << 24, progress=False)
        super().__init__(job, Budget())
        self.orders: list[Request] = []

    def submit(self, requests: Sequence[Request]) -> int:
        taken = super().submit(requests)
        self.orders += requests[:taken]
        return taken


def request_for(parent: int) -> Request:
    return Request(parent, 0, Recipe(), 100 + parent, 1.0)


def fill(folder: Path, parents: Sequence[int]) -> dict[bytes, Request]:
    """Make one variant of each parent, in this order; returns their keys."""
    worker = Recording(folder)
    worker.submit([request_for(parent) for parent in parents])
    news = worker.poll()
    while worker.stats().outstanding:
        news += worker.poll()
    worker.close()
    return {event.key: event.request for event in news if isinstance(event, Accepted)}


@pytest.mark.parametrize("seed", range(4))
def test_orders_do_not_depend_on_the_order_of_the_cache(tmp_path: Path, seed: int) -> None:
    lineage = fill(tmp_path / "state", KNOWN)
    fill(tmp_path / "cache", random.Random(seed).sample(HELD, len(HELD)))
    worker = Recording(tmp_path / "cache")
    worker.start()
    worker.poll()
    with CacheReader(tmp_path / "cache") as reader:
        before = {entry.parent for entry in reader.entries()}
        lost, news = reconcile(lineage, lineage, worker, reader)
        after = {entry.key for entry in reader.entries()}
    worker.close()
    assert before == set(HELD)
    assert [request.parent for request in worker.orders] == [parent for parent in KNOWN if parent not in HELD]
    assert after == set(lineage)
    assert lost == []
    assert not [event for event in news if isinstance(event, Answer | Evicted | Broken)]


def recorded(worker: Worker) -> list[tuple[int, int]]:
    """Let a worker note the places of what it is asked for in the list that this returns."""
    orders, submit = [], worker.submit

    def noting(requests: Sequence[Request]) -> int:
        orders.extend(request.place for request in requests)
        return submit(requests)

    worker.submit = noting
    return orders


def list_in_order_of(seed: int, monkeypatch: pytest.MonkeyPatch, held: Callable[[Lineup], set[bytes]]) -> None:
    """Let what may be drawn be listed in an order that ``seed`` decides."""

    def shuffled(lineup: Lineup) -> dict[bytes, None]:
        keys = sorted(held(lineup))
        return dict.fromkeys(random.Random(seed).sample(keys, len(keys)))

    monkeypatch.setattr(Lineup, "held", shuffled)


def test_a_resumed_run_orders_alike_however_the_variants_that_it_may_draw_are_listed(
    wrap: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are a set of bytes, which each process lists in another order."""
    train = wrap(ratio=0.5, policy="uniform")
    train_for(train, epochs=3)
    train.save(tmp_path / "state")
    train.close()
    held, runs = Lineup.held, []
    for seed in range(3):
        shutil.rmtree(tmp_path / "cache")
        list_in_order_of(seed, monkeypatch, held)
        resumed = wrap(ratio=0.5, policy="uniform")
        resumed.load(tmp_path / "state")
        orders = recorded(resumed._own().loop.worker)
        resumed.start()
        resumed.close()
        runs.append(orders)
    assert len(runs[0]) >= 24
    assert runs[0] == runs[1] == runs[2]
