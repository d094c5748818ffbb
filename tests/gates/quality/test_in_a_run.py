"""Quality gates in whole runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from genaug_data.cache import CacheReader
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import ConfigError, GenaugWarning
from genaug_data.gates.quality import Agreement, PixelLoss, UnderTraining
from genaug_data.sample import Request, Sample
from genaug_data.seeding import torch_generator
from tests.gates.quality.nets import dark_or_bright
from tests.resuming import Trainer, equal
from tests.toys import Noisy, toy_base

torch.set_num_threads(1)


def scenes(count: int = 8) -> list[tuple[torch.Tensor, np.ndarray]]:
    """Return images that are dark where their mask has class 0, and bright where it has class 1."""
    draw, items = torch_generator(3), []
    for place in range(count):
        mask = torch.randint(0, 2, (8, 8), generator=draw)
        mask[0] = place % 2
        items.append(((mask * 6 + 1).to(torch.uint8).unsqueeze(0), mask.numpy().astype(np.uint8)))
    return items


class Blots(Noisy):
    """Paints pixels of its request's seed in the other shade, and leaves the mask as it is."""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return [self.blot(parent, request.seed) for parent, request in zip(parents, requests, strict=True)]

    @staticmethod
    def blot(parent: Sample, seed: int) -> Sample:
        where = torch.rand(8, 8, generator=torch_generator(seed)) < 0.2
        return Sample(torch.where(where, 8 - parent.image, parent.image), parent.target)


def wrapped(folder: Path, **arguments: object) -> GenerativeAugmentDataset:
    settings = {"ratio": 0.5, "generator": Blots(), "worker": "inline", "mode": "sync", "progress": False}
    return GenerativeAugmentDataset(scenes(), cache=folder, **settings | arguments)


def variants(train: GenerativeAugmentDataset) -> list[tuple]:
    with CacheReader(train._own().job.folder) as reader:
        keys = [entry.key for entry in reader.entries()]
        return [(key, reader.gather([key])[0], reader.provenance(key)) for key in keys]


def test_pixels_that_are_not_what_the_mask_says_do_not_train(tmp_path: Path) -> None:
    with wrapped(tmp_path, gates=[PixelLoss(dark_or_bright)]) as train:
        counts = train.warmup(2)
        assert counts["accepted"] == 16
        ignored = 0
        for key, child, made in variants(train):
            parent = train.samples[made.parent]
            blotted = child.image[0] != parent.image[0]
            assert torch.equal(child.target == 255, blotted)
            assert torch.equal(child.target[~blotted].long(), parent.target[~blotted])
            assert made.ignored_pixels == int(blotted.sum())
            assert made.verdicts[0].score == 1 - int(blotted.sum()) / 64
            assert train.remake(key).is_equal
            ignored += made.ignored_pixels
        assert ignored > 50
        images, masks, meta = next(iter(train.loader(batch_size=8)))
        assert meta.synthetic.sum() == 4
        for image, mask, is_made in zip(images, masks, meta.synthetic, strict=True):
            wrong = (image[0] > 3) != (mask == 1)
            assert torch.equal(wrong & (mask != 255), torch.zeros(8, 8, dtype=torch.bool))
            assert bool((mask == 255).any()) == bool(is_made)


def test_a_remake_with_another_mask_is_not_equal(tmp_path: Path) -> None:
    train = wrapped(tmp_path, gates=[PixelLoss(dark_or_bright)])
    train.warmup()
    key = variants(train)[0][0]

    class OtherMask(Blots):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return [Sample(child.image, 1 - child.target) for child in super().generate(parents, requests)]

    train._own().job.generator.__class__ = OtherMask
    assert not train.remake(key).is_equal
    train.close()


def test_other_gates_do_not_keep_what_these_have_amended(tmp_path: Path) -> None:
    def kept(gates: list) -> tuple[int, set[int]]:
        train = wrapped(tmp_path, gates=gates)
        train.wait_until_ready()
        left = variants(train)
        counts = train.warmup()
        made = {int((child.target == 255).sum()) > 0 for _, child, _ in variants(train)}
        train.close()
        return len(left), counts.get("accepted", 0), made

    assert kept([]) == (0, 8, {False})
    # These would amend what is there, which is made again; the same gates then keep it.
    assert kept([PixelLoss(dark_or_bright)]) == (0, 8, {True})
    assert kept([PixelLoss(dark_or_bright)]) == (8, 0, {True})
    assert kept([]) == (0, 8, {False})


def test_amended_masks_are_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    made: list[Callable] = []
    for worker in ("inline", "process"):
        train = wrapped(tmp_path / worker, gates=[PixelLoss(dark_or_bright)], worker=worker)
        train.warmup()
        made.append({key: child.target for key, child, _ in variants(train)})
        train.close()
    assert made[0].keys() == made[1].keys()
    assert all(torch.equal(target, made[1][key]) for key, target in made[0].items())


def linear(scale: float = 0.0) -> torch.nn.Module:
    """Return a classifier of 8x8 images into three classes that gives class 0 ``scale`` more than the others."""
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.copy_(torch.tensor([scale, 0.0, 0.0]))
    return model


@pytest.mark.parametrize("worker", ["inline", "process"])
def test_variants_are_judged_by_the_newest_snapshot_and_their_record_names_it(tmp_path: Path, worker: str) -> None:
    gate = Agreement(UnderTraining(linear()))
    settings = {"ratio": 0.5, "generator": Noisy(), "worker": worker, "mode": "sync", "progress": False}
    train = GenerativeAugmentDataset(toy_base(12), cache=tmp_path, gates=[gate], **settings)
    with train:
        assert train.warmup(1)["accepted"] == 12
        train.snapshot(linear())
        assert train.warmup(2)["accepted"] == 24
        # It all but excludes classes 1 and 2, and finds class 0 too easy.
        train.snapshot(torch.compile(linear(9.0)))
        counts = train.warmup(3)
        assert (counts["accepted"], counts["rejected by agreement"]) == (24, 12)
        first = train._own().snapshots.current
    told = {made.variant: made.verdicts[0] for _, _, made in variants(train)}
    assert told[0].details == {"snapshot": "none yet"}
    assert told[1].details["step"] == 0
    assert told[1].details["snapshot"] != first
    assert told[1].score == pytest.approx(1 / 3)
    with CacheReader(tmp_path) as reader:
        rejected = [made.verdicts[-1] for _, made in reader.rejections()]
    assert len(rejected) == 12
    assert {verdict.details["snapshot"] for verdict in rejected} == {first}
    assert sum("too easy" in verdict.reason for verdict in rejected) == 4


def test_the_last_snapshot_outlives_the_death_of_the_process(tmp_path: Path) -> None:
    gate = Agreement(UnderTraining(linear()))
    settings = {"ratio": 0.5, "generator": Noisy(), "worker": "process", "mode": "sync", "progress": False}
    train = GenerativeAugmentDataset(toy_base(12), cache=tmp_path, gates=[gate], **settings)
    with train:
        train.warmup(1)
        train.snapshot(linear(9.0))
        worker = train._own().worker
        worker._backoff = 0.05
        worker._child.process.kill()
        with pytest.warns(GenaugWarning, match="it is started again"):
            counts = train.warmup(2)
        assert counts["rejected by agreement"] == 12


def test_in_mode_async_a_snapshot_arrives_while_training_goes_on(tmp_path: Path) -> None:
    gate = Agreement(UnderTraining(linear()))
    settings = {"ratio": 0.5, "generator": Noisy(), "worker": "inline", "progress": False}
    train = GenerativeAugmentDataset(toy_base(12), cache=tmp_path, gates=[gate], **settings)
    with train:
        train.wait_until_ready()
        train.snapshot(linear(9.0))
        train._own().snapshots.join(20)
        assert train.warmup(1)["rejected by agreement"] == 12


class Judged(Trainer):
    """Sends a snapshot of its model every few steps."""

    def steps(self):
        for number, batch in enumerate(super().steps(), start=self.train._own().loop.steps):
            if number % 5 == 3:
                self.train.snapshot(self.judge())
            yield batch

    def judge(self) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Flatten(), self.model)


@pytest.mark.parametrize("further", [0, 6])
def test_a_run_that_is_resumed_goes_on_with_the_snapshot_it_had(tmp_path: Path, further: int) -> None:
    def begin(name: str) -> Judged:
        blank = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
        gate = Agreement(UnderTraining(blank), least=0.3, most=0.9)
        settings = {"ratio": 0.5, "generator": Noisy(), "worker": "inline", "mode": "sync", "progress": False}
        settings |= {"refresh_every": 4, "parent_share": 1.0, "max_children": 2}
        return Judged(GenerativeAugmentDataset(toy_base(48), cache=tmp_path / name, gates=[gate], **settings))

    whole = begin("whole")
    with whole.train:
        batches = list(whole.steps())
    stats = whole.train.stats()
    assert stats["rejected by agreement"] > 5, stats
    # Between the snapshots behind 14 and 19 steps, and before the refresh behind 16.
    first, stop = begin("cut"), 15
    with first.train:
        running = first.steps()
        head = [next(running) for _ in range(stop)]
        first.train.save(tmp_path / "state")
        state = first.state()
        for _ in range(further):
            next(running)
    second = begin("cut")
    second.train.load(tmp_path / "state")
    second.load(state)
    with second.train:
        assert equal(head + list(second.steps()), batches)


def test_a_snapshot_that_nobody_asks_for_is_said_and_one_of_no_model_refused(tmp_path: Path) -> None:
    train = GenerativeAugmentDataset(toy_base(12), cache=tmp_path, gates=[], generator=Noisy(), worker="inline")
    train.snapshot(linear())
    with pytest.warns(GenaugWarning, match="no gate judges by the model under training"):
        train.start()
    with pytest.raises(ConfigError, match=r"is taken of a torch\.nn\.Module, got OrderedDict; pass the model"):
        train.snapshot(linear().state_dict())
    train.close()


def test_a_snapshot_of_another_model_is_said_and_training_goes_on(tmp_path: Path) -> None:
    gate = Agreement(UnderTraining(linear()))
    settings = {"ratio": 0.5, "generator": Noisy(), "worker": "inline", "mode": "sync", "progress": False}
    train = GenerativeAugmentDataset(toy_base(12), cache=tmp_path, gates=[gate], **settings)
    with train:
        train.snapshot(torch.nn.Linear(2, 2))
        with pytest.warns(
            GenaugWarning, match="snapshot of step 0 does not fit the model that UnderTraining was given"
        ):
            assert train.warmup(1)["accepted"] == 12
