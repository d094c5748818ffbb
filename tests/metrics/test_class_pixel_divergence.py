from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from genaug_data.errors import DataError
from genaug_data.metrics import ClassPixelDivergence, MaskFID
from tests.metrics.test_masks import some_masks

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def test_it_is_the_divergence_that_scipy_finds() -> None:
    real, synthetic = some_masks(), some_masks(4, 5, 5).clamp(max=2)
    counts = [[int((masks == number).sum()) for number in range(4)] for masks in (real, synthetic)]
    metric = ClassPixelDivergence(4, progress=False)
    assert metric(real, synthetic).value == pytest.approx(jensenshannon(*counts, base=2) ** 2)
    assert metric(synthetic, real).value == pytest.approx(metric(real, synthetic).value)


def test_shares_are_worked_out_by_hand() -> None:
    # All of class 0 against half of each: the middle is 3/4 and 1/4.
    wanted = (np.log2(4 / 3) + 0.5 * np.log2(2 / 3) + 0.5 * np.log2(2)) / 2
    real, synthetic = torch.tensor([[[0, 0]]] * 2), torch.tensor([[[0, 1]]] * 2)
    assert ClassPixelDivergence(2, progress=False)(real, synthetic).value == pytest.approx(wanted)


def test_it_is_in_bits_between_zero_and_one_and_blind_to_places_and_to_what_is_ignored() -> None:
    metric = ClassPixelDivergence(4, progress=False)
    masks = some_masks()
    assert metric(masks, masks.flip(1)).value == 0
    assert metric(masks, masks.masked_fill(masks == 3, 255)).value > 0.01
    assert metric(masks, torch.cat([masks, torch.full((3, 9, 7), 255)])).value == 0
    assert metric(torch.zeros(2, 2, 2).long(), torch.ones(2, 2, 2).long()).value == 1


def test_the_bias_is_below_a_hundredth_of_a_bit_at_the_size_that_it_needs() -> None:
    metric = ClassPixelDivergence(5, progress=False, resamples=0)
    needed = metric.needed(5)
    found = []
    for seed in range(20):
        draws = torch.randint(0, 5, (2, needed, 1, 1), generator=torch.Generator().manual_seed(seed))
        found.append(metric(draws[0], draws[1]).value)
    assert np.mean(found) == pytest.approx(4 / (4 * needed * np.log(2)), rel=0.35)
    assert np.mean(found) < 0.01


def test_a_set_without_any_annotated_pixel_has_no_shares() -> None:
    ignored, real = torch.full((5, 4, 4), 255), some_masks()
    for sets, which in (((real, ignored), "synthetic"), ((ignored, real), "real"), ((ignored, ignored), "real")):
        with pytest.raises(DataError, match=f"no pixel of the 5 {which} masks belongs to a class"):
            ClassPixelDivergence(4, resamples=0, progress=False)(*sets)
        with pytest.raises(DataError, match=f"no pixel of the 5 {which} masks belongs to a class"):
            MaskFID(4, resamples=0, progress=False)(*sets)
