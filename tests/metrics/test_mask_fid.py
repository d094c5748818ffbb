from __future__ import annotations

import pytest
import torch

from genaug_data.features import Pixels
from genaug_data.metrics import FID, MaskFID, MaskLayout, Rendered
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def scenes(count: int = 60, seed: int = 0, side: int = 16) -> torch.Tensor:
    """Return masks of a ground of class 0 under a sky of class 1, with one square of class 2."""
    draw = torch_generator(seed)
    masks = torch.zeros(count, side, side, dtype=torch.int64)
    for mask in masks:
        horizon, top, left = (int(torch.randint(3, side - 5, (), generator=draw)) for _ in range(3))
        mask[:horizon] = 1
        mask[top : top + 4, left : left + 4] = 2
    return masks


def test_it_is_the_frechet_distance_of_layouts() -> None:
    real, synthetic = scenes(), scenes(seed=1)
    layout = MaskLayout(3)
    wanted = FID(resamples=0)(layout(real), layout(synthetic)).value
    assert MaskFID(3, progress=False)(real, synthetic).value == pytest.approx(wanted)
    assert wanted > 0


def test_one_place_is_worked_out_by_hand() -> None:
    # One cell, shares of class 0 of 1/4 and 3/4 against 2/4 and 4/4, those of class 1 are what remains; no outlines.
    layout = MaskLayout(2, grid=1)

    def strips(*lengths: int) -> torch.Tensor:
        return torch.tensor([[[0] * length + [1] * (4 - length)] for length in lengths])

    shares_only = MaskFID(2, features=lambda masks: layout(masks)[:, :2].square(), progress=False, resamples=0)
    # Both shares move by 1/4, and the covariances are the same.
    assert shares_only(strips(1, 3), strips(2, 4)).value == pytest.approx(2 / 16)


def test_the_same_masks_are_at_zero_and_each_way_to_be_wrong_is_seen() -> None:
    real = scenes()
    distance = MaskFID(3, progress=False, resamples=0)
    assert distance(real, real).value == pytest.approx(0, abs=1e-6)
    other = distance(real, scenes(seed=1)).value
    speckled = real.clone()
    speckled[torch.rand(real.shape, generator=torch_generator(2)) < 0.2] = 2
    swapped = torch.tensor([1, 0, 2])[real]
    moved = real.roll(6, 1)
    without = torch.where(real == 2, 0, real)
    for wrong in (speckled, swapped, moved, without):
        assert distance(real, wrong).value > 2 * other


def test_samples_are_read_and_what_is_ignored_is_no_class() -> None:
    masks = scenes()
    samples = [Sample(torch.zeros(3, 16, 16, dtype=torch.uint8), mask) for mask in masks]
    distance = MaskFID(3, progress=False, resamples=0)
    assert distance(samples, masks).value == pytest.approx(0, abs=1e-6)
    ignored = masks.masked_fill(masks == 2, 7)
    assert MaskFID(3, ignore_index=7, progress=False, resamples=0)(masks, ignored).value > 0.01


def test_drawings_can_be_seen_by_any_features_of_images() -> None:
    drawn = MaskFID(3, features=Rendered(Pixels(2)), progress=False, resamples=0)
    assert drawn(scenes(), scenes()).value == pytest.approx(0, abs=1e-6)
    assert drawn(scenes(), scenes().flip(1)).value > 0.01
