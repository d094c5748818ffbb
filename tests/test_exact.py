"""What happens to generation, and when, leaves no trace in a run in mode "sync"."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import GenaugWarning
from genaug_data.sample import Request, Sample
from genaug_data.workers import Budget
from tests.resuming import Repeats, Trainer, equal
from tests.toys import Noisy, toy_base

GATED = {"generator": Repeats(), "gates": None, "max_bytes": 75_000}


@dataclass
class KilledAtCalls(Repeats):
    """Its process is killed by SIGKILL in calls of these numbers, counted in a file."""

    calls: tuple[int, ...] = ()
    counter: str = ""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        with open(self.counter, "a") as file:
            file.write(".")
        if os.path.getsize(self.counter) in self.calls:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(parents, requests)


def test_a_generation_process_that_is_killed_changes_no_batch(start: Callable[..., Trainer], tmp_path: Path) -> None:
    settings = GATED | {"budget": Budget(images=60)}
    whole = start("whole", **settings)
    with whole.train:
        batches = list(whole.steps())
    stats = whole.train.stats()
    assert stats["rejected by duplicate"] > 2, stats
    assert stats["images made"] == 60, stats
    generator = KilledAtCalls(calls=(1, 2, 7, 30), counter=str(tmp_path / "calls"))
    cut = start("cut", worker="process", **settings | {"generator": generator})
    cut.train._own().worker._backoff = 0.05
    with pytest.warns(GenaugWarning, match="ended with exit code -9; it is started again"), cut.train:
        assert equal(list(cut.steps()), batches)
    assert cut.train.stats()["restarts"] == 4
    assert cut.train.stats()["images made"] == 60


@pytest.mark.parametrize("stop", [10, 17, 23])
def test_rejections_after_a_save_cost_what_they_cost_before(
    start: Callable[..., Trainer], tmp_path: Path, stop: int
) -> None:
    settings = GATED | {"budget": Budget(images=60)}
    whole = start("whole", **settings)
    with whole.train:
        batches = list(whole.steps())
    assert whole.train.stats()["images made"] == 60
    first = start("cut", **settings)
    with first.train:
        running = first.steps()
        head = [next(running) for _ in range(stop)]
        first.train.save(tmp_path / "state")
        state = first.state()
        rejected = first.train.stats().get("rejected by duplicate", 0)
        for _ in range(12):
            next(running)
        assert first.train.stats()["rejected by duplicate"] > rejected
    second = start("cut", **settings)
    second.train.load(tmp_path / "state")
    second.load(state)
    with second.train:
        assert equal(head + list(second.steps()), batches)


def test_a_long_warm_up_ends_with_the_same_catalogue_however_the_work_was_grouped(
    wrap: Callable[..., GenerativeAugmentDataset], tmp_path: Path
) -> None:
    base = toy_base(200)
    orders = []
    for name, worker in (("one", "inline"), ("two", "process")):
        train = wrap(base, cache=tmp_path / name, worker=worker, generator=Noisy(), gates=None)
        train.warmup(3)
        orders.append([key for key, _, _ in train._own().catalogue.items()])
        train.close()
    assert orders[0] == orders[1]
    assert len(orders[0]) == 600
