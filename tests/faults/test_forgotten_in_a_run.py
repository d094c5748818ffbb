"""A run asks for nothing of a forgotten example, whatever its state, its catalogue or its plan says."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheReader, forget
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import GenaugWarning
from tests.resuming import EPOCHS, STEPS, Trainer
from tests.toys import Noisy, toy_base


def parents_in(folder: Path) -> set[int]:
    with CacheReader(folder) as reader:
        return {entry.parent for entry in reader.entries()}


@pytest.mark.filterwarnings("ignore:.* variants of examples that were forgotten since are left out")
@pytest.mark.parametrize("worker", ["inline", "process"])
def test_a_resumed_run_drops_the_variants_that_its_state_names_and_asks_for_none(
    start: Callable[..., Trainer], tmp_path: Path, worker: str
) -> None:
    first = start("run", max_bytes=1 << 20, worker=worker)
    with first.train:
        steps = first.steps()
        for _ in range(13):
            next(steps)
        first.train.save(tmp_path / "state")
        saved = first.state()
        steps.close()
    gone = set(sorted({parent for _, parent, _ in first.train._parts.catalogue.items()})[:3])
    assert len(gone) == 3
    forget(tmp_path / "run", sorted(gone), progress=False)
    second = start("run", max_bytes=1 << 20, worker=worker)
    second.train.load(tmp_path / "state")
    second.load(saved)
    parts = second.train._parts
    held = {key for key, request in parts.loop.refresher.intake.lineage.items() if request.parent in gone}
    assert held & parts.catalogue.lineup.held()
    with second.train:
        assert not held & parts.catalogue.lineup.held()
        assert not {request.parent for request in parts.loop.refresher.intake.lineage.values()} & gone
        left = 0
        for _ in second.steps():
            assert not {parent for _, parent, _ in parts.catalogue.items()} & gone
            left += 1
        assert left == EPOCHS * STEPS - 13
        second.train.save(tmp_path / "state")
        stats = second.train.stats()
        assert stats["synthetic"] > 20
        # They were not even asked for, nor looked for in vain.
        assert "rejected by forgotten" not in stats
        assert any("were forgotten since are left out" in said for said in parts.loop.sayings.sentences)
        assert not [said for said in parts.loop.sayings.sentences if "could not be made again" in said]
    assert parents_in(tmp_path / "run")
    assert not parents_in(tmp_path / "run") & gone
    # What it has saved since is a state like any other.
    third = start("run", max_bytes=1 << 20, worker=worker)
    third.train.load(tmp_path / "state")
    assert not {parent for _, parent, _ in third.train._parts.catalogue.items()} & gone


def test_a_dataset_that_was_open_meanwhile_goes_on_without_them(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5)
    train.warmup(2)
    assert parents_in(tmp_path / "cache") == set(range(24))
    train.close()
    forget(tmp_path / "cache", [0, 5], progress=False)
    train.start()
    with pytest.warns(GenaugWarning, match="4 variants of examples that were forgotten since"):
        counts = train.warmup(3)
    assert "rejected by forgotten" not in counts
    assert parents_in(tmp_path / "cache") == set(range(24)) - {0, 5}
    with CacheReader(tmp_path / "cache") as reader:
        assert len(reader.entries()) == 22 * 3


@pytest.mark.parametrize("change", ["label", "pixel", "lost"])
def test_a_corrected_example_stays_forgotten(wrap: Callable, tmp_path: Path, change: str) -> None:
    class Base(list):
        def __getitem__(self, index: int) -> object:
            if index == 5 and change == "lost" and forgotten:
                raise FileNotFoundError("5.png")
            return super().__getitem__(index)

    # So many that a probe of the training set does not see this one.
    base, forgotten = Base(toy_base(240)), False
    train = wrap(base, ratio=0.5)
    train.warmup(1)
    train.close()
    forgotten = bool(forget(tmp_path / "cache", [5], progress=False).records)
    assert forgotten
    image, label = super(Base, base).__getitem__(5)
    if change == "label":
        base[5] = (image, (label + 1) % 3)
    elif change == "pixel":
        base[5] = (image.clone().index_put_((torch.tensor(0),) * image.ndim, image.flatten()[0] ^ 1), label)
    again = wrap(base, ratio=0.5)
    again.warmup(1)
    with CacheReader(tmp_path / "cache") as reader:
        assert {entry.parent for entry in reader.entries()} == set(range(240)) - {5}


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_damaged_list_ends_generation_and_not_training(tmp_path: Path, mode: str) -> None:
    base, folder = toy_base(12), tmp_path / "run"
    train = GenerativeAugmentDataset(
        base, cache=folder, generator=Noisy(), ratio=0.5, mode=mode, worker="inline", progress=False, refresh_every=2
    )
    folder.mkdir(exist_ok=True)
    (folder / "forgotten.json").write_text("{")

    def train_on() -> None:
        with train:
            for epoch in range(4):
                train.set_epoch(epoch)
                for _, labels, meta in train.loader(batch_size=4):
                    assert not meta.synthetic.any()
                    train.observe(meta, torch.ones(len(labels)), torch.zeros(len(labels), 3), labels)

    # A warning that is raised as an error would end the training by itself.
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        train_on()
    assert any("forgotten.json cannot be read" in str(one.message) for one in told)
