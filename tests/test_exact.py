"""What happens to generation, and when, leaves no trace in a run in mode "sync"."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
import torch

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import GenaugWarning
from genaug_data.sample import Request, Sample
from genaug_data.workers import Budget
from tests.resuming import Repeats, Trainer, cut_and_resumed, equal
from tests.toys import Noisy, toy_base

GATED = {"generator": Repeats(), "gates": None, "max_bytes": 75_000}


@dataclass
class KilledAtCalls(Noisy):
    """Its process is killed by SIGKILL in calls of these numbers, counted in a file."""

    calls: tuple[int, ...] = ()
    counter: str = ""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        with open(self.counter, "a") as file:
            file.write(".")
        if os.path.getsize(self.counter) in self.calls:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(parents, requests)


class RepeatsKilledAtCalls(KilledAtCalls, Repeats):
    """The same, with few different variants."""


def test_a_generation_process_that_is_killed_changes_no_batch(start: Callable[..., Trainer], tmp_path: Path) -> None:
    settings = GATED | {"budget": Budget(images=60)}
    whole = start("whole", **settings)
    with whole.train:
        batches = list(whole.steps())
    stats = whole.train.stats()
    assert stats["rejected by duplicate"] > 2, stats
    assert stats["images made"] == 60, stats
    generator = RepeatsKilledAtCalls(calls=(1, 20), counter=str(tmp_path / "calls"))
    cut = start("cut", worker="process", **settings | {"generator": generator})
    cut.train._own().worker._backoff = 0.05
    with pytest.warns(GenaugWarning, match="ended with exit code -9; it is started again"), cut.train:
        assert equal(list(cut.steps()), batches)
    assert cut.train.stats()["restarts"] == 2
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
    assert equal(cut_and_resumed(start, tmp_path / "state", stop, 12, **settings), batches)


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


@pytest.mark.parametrize("settings", [{}, {"policy": "uniform", "max_bytes": 24_000}])
def test_answers_of_several_groups_are_taken_in_as_they_were_ordered(
    start: Callable[..., Trainer], tmp_path: Path, settings: dict
) -> None:
    shown = []
    for worker, calls in (("inline", ()), ("process", (2, 5))):
        generator = KilledAtCalls(calls=calls, counter=str(tmp_path / f"calls of {worker}"))
        arguments = {"worker": worker, "recipes": None, "max_bytes": 1 << 30, "generator": generator}
        trainer = start(worker, **arguments | settings)
        trainer.train._own().worker._backoff = 0.05
        with warnings.catch_warnings(), trainer.train:
            warnings.filterwarnings("ignore", "the generation process ended with exit code -9")
            if not settings:
                trainer.train.warmup(2)
            shown.append(list(trainer.steps()))
        assert trainer.train.stats()["restarts"] == len(calls)
    assert equal(*shown)


def test_an_epoch_that_is_left_early_leaves_the_same_behind_however_far_workers_had_read(
    wrap: Callable[..., GenerativeAugmentDataset], tmp_path: Path
) -> None:
    shown = []
    for workers in (0, 1):
        train = wrap(toy_base(48), cache=tmp_path / str(workers), ratio=0.5, refresh_every=4)
        batches, arguments = [], {"num_workers": workers} if workers else {}
        with train:
            train.warmup(3)
            for epoch in range(4):
                train.set_epoch(epoch)
                for images, labels, meta in islice(train.loader(batch_size=6, **arguments), 3):
                    hardness = images.flatten(1).float().mean(1) / 255
                    train.observe(meta, hardness, torch.stack([hardness * k for k in range(3)], 1), labels)
                    batches.append((images, labels.tolist(), meta.rows.tobytes()))
        train.set_epoch(4)
        shown.append((batches, {name: train.stats()[name] for name in ("real", "synthetic", "shortfall")}))
    assert equal(shown[0][0], shown[1][0])
    assert shown[0][1] == shown[1][1] == {"real": 36, "synthetic": 36, "shortfall": 0}
