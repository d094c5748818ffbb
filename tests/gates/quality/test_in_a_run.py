"""Quality gates in whole runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from genaug_data.cache import CacheReader
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.gates.quality import PixelLoss
from genaug_data.sample import Request, Sample
from genaug_data.seeding import torch_generator
from tests.gates.quality.nets import dark_or_bright
from tests.toys import Noisy

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
