"""A run that is saved and goes on later is the run that never stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.errors import GenaugWarning
from genaug_data.workers import Budget
from tests.resuming import BATCH, EPOCHS, SIZE, STEPS, Repeats, Trainer, cut_and_resumed, equal


@pytest.fixture
def whole(start: Callable[..., Trainer]) -> list[tuple]:
    trainer = start("whole")
    with trainer.train:
        batches = list(trainer.steps())
    stats = trainer.train.stats()
    assert len(batches) == EPOCHS * STEPS
    assert stats["evicted"] > 5, stats
    assert stats["synthetic"] > 20
    assert stats["shortfall"] + stats["synthetic"] == EPOCHS * SIZE // 2
    return batches


@pytest.mark.parametrize("stop", [1, 4, 5, 11, 16, 21, 28, 39])
@pytest.mark.parametrize("further", [0, 7])
def test_a_resumed_run_shows_the_batches_of_the_uninterrupted_one(
    start: Callable[..., Trainer], whole: list[tuple], tmp_path: Path, stop: int, further: int
) -> None:
    assert equal(cut_and_resumed(start, tmp_path / "state", stop, further), whole)


WORKERS = [(0, {}), (1, {}), (2, {"persistent_workers": True})]


@pytest.mark.parametrize("worker", ["inline", "process"])
def test_it_may_be_resumed_again_and_again_with_other_numbers_of_workers(
    start: Callable[..., Trainer], whole: list[tuple], tmp_path: Path, worker: str
) -> None:
    shown, state = [], None
    for stop, (workers, arguments) in zip((5, 15, 24, EPOCHS * STEPS), [*WORKERS, WORKERS[0]], strict=True):
        trainer = start("cut", worker=worker, num_workers=workers, **arguments)
        if state is not None:
            trainer.train.load(tmp_path / "state")
            trainer.load(state)
        with trainer.train:
            running = trainer.steps()
            shown += [next(running) for _ in range(stop - len(shown))]
            trainer.train.save(tmp_path / "state")
            state = trainer.state()
            running.close()
    assert equal(shown, whole)


@pytest.mark.parametrize(("workers", "arguments"), WORKERS)
def test_the_batches_do_not_depend_on_the_number_of_workers(
    start: Callable[..., Trainer], whole: list[tuple], workers: int, arguments: dict
) -> None:
    trainer = start("other", num_workers=workers, **arguments)
    with trainer.train:
        assert equal(list(trainer.steps()), whole)


# torchdata imports what torch 2.14 deprecates.
@pytest.mark.filterwarnings("ignore:.set_vital. is deprecated")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [3, 8, 13])
def test_a_stateful_loader_resumes_with_its_own_state(
    start: Callable[..., Trainer], whole: list[tuple], tmp_path: Path, workers: int, stop: int
) -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader

    first = start("cut", loader=StatefulDataLoader, num_workers=workers)
    with first.train:
        running = first.steps()
        head = [next(running) for _ in range(stop)]
        first.train.save(tmp_path / "state")
        states = first.state(), first.loader.state_dict()
    second = start("cut", loader=StatefulDataLoader, num_workers=workers)
    second.train.load(tmp_path / "state")
    second.load(states[0])
    second.loader.load_state_dict(states[1])
    with second.train:
        assert equal(head + list(second.steps()), whole)


def test_a_state_taken_before_the_first_batch_and_one_taken_at_the_end(
    start: Callable[..., Trainer], whole: list[tuple], tmp_path: Path
) -> None:
    first = start("cut")
    assert first.train.state_dict()["sampler"]["position"] == 0
    first.train.save(tmp_path / "state")
    second = start("cut", num_workers=2)
    second.train.load(tmp_path / "state")
    # Workers have read ahead by then, and nothing was trained on.
    with second.train:
        reading = iter(second.loader)
        next(reading)
        assert second.train.state_dict()["sampler"]["position"] == 0
        second.train.save(tmp_path / "state")
        del reading
    third = start("cut")
    third.train.load(tmp_path / "state")
    with third.train:
        assert equal(list(third.steps()), whole)
        third.train.save(tmp_path / "state")
    last = start("cut")
    last.train.load(tmp_path / "state")
    assert last.train.epoch == EPOCHS
    with last.train:
        assert list(last.steps()) == []


def test_the_state_is_small_and_plain(start: Callable[..., Trainer]) -> None:
    trainer = start("cut")
    with trainer.train:
        running = trainer.steps()
        for _ in range(11):
            next(running)
        state = trainer.train.state_dict()
    assert len(json.dumps(state)) < 1000
    assert state["sampler"]["epoch"] == 1
    assert state["sampler"]["position"] == 3 * BATCH
    assert state["steps"] == 11
    counts = state["sampler"]
    assert counts["real"] + counts["synthetic"] == 11 * BATCH


def test_without_its_tables_a_state_says_where_to_go_on(start: Callable[..., Trainer], whole: list[tuple]) -> None:
    trainer = start("cut")
    trainer.train.load_state_dict(
        {**trainer.train.state_dict(), "steps": 11}
        | {"sampler": {"seed": 0, "epoch": 1, "position": 3 * BATCH, "real": 60, "synthetic": 6, "shortfall": 27}}
    )
    with trainer.train:
        tail = list(trainer.steps())
    assert len(tail) == EPOCHS * STEPS - 11


@pytest.mark.parametrize("stop", [9, 18, 30])
def test_the_gates_come_to_the_same_verdicts(start: Callable[..., Trainer], tmp_path: Path, stop: int) -> None:
    settings = {"generator": Repeats(), "gates": None, "max_bytes": 75_000}
    whole = start("whole", **settings)
    with whole.train:
        batches = list(whole.steps())
    stats = whole.train.stats()
    assert stats["rejected by duplicate"] > 5, stats
    assert stats["evicted"] > 0, stats
    assert equal(cut_and_resumed(start, tmp_path / "state", stop, 6, **settings), batches)


def test_workers_that_draw_too_far_ahead_are_said(start: Callable[..., Trainer]) -> None:
    trainer = start("cut", refresh_every=1, num_workers=2)
    sentence = "DataLoader workers draw further ahead than refresh_every=1 steps, so that this run depends"
    with pytest.warns(GenaugWarning, match=sentence) as said, trainer.train:
        assert len(list(trainer.steps())) == EPOCHS * STEPS
    assert len(said) == 1


def test_a_loop_that_never_observes_resumes_at_the_beginning_of_its_epoch(start: Callable[..., Trainer]) -> None:
    trainer = start("cut")
    with trainer.train:
        for number, _ in enumerate(trainer.loader):
            if number == 3:
                break
        assert trainer.train.state_dict()["sampler"]["position"] == 0
        # That a batch was left out is no reason to show it again.
        reading = iter(trainer.loader)
        next(reading)
        _, labels, meta = next(reading)
        trainer.train.observe(meta, torch.ones(BATCH), torch.zeros(BATCH, 3), labels)
        assert trainer.train.state_dict()["sampler"]["position"] == 2 * BATCH


@pytest.mark.parametrize("images", [0, 40])
def test_a_cache_that_is_gone_is_made_again_whatever_the_budget(
    start: Callable[..., Trainer], tmp_path: Path, images: int
) -> None:
    settings = {"budget": Budget(images=images, seconds=1e9), "max_bytes": 1 << 30, "policy": "uniform"}
    for name in ("whole", "cut"):
        before = start(name, **settings | {"budget": Budget()})
        before.train.warmup()
        before.train.close()
    whole = start("whole", **settings)
    with whole.train:
        batches = list(whole.steps())
    assert whole.train.stats()["images made"] == images
    first = start("cut", **settings)
    with first.train:
        running = first.steps()
        head = [next(running) for _ in range(11)]
        first.train.save(tmp_path / "state")
        state = first.state()
    shutil.rmtree(tmp_path / "cut")
    second = start("cut", **settings)
    second.train.load(tmp_path / "state")
    second.load(state)
    with second.train:
        assert equal(head + list(second.steps()), batches)
    assert second.train.stats()["images made"] == images
