from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from genaug_data.metrics import FID
from tests.metrics.clouds import cloud, turned

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def by_scipy(real: torch.Tensor, synthetic: torch.Tensor) -> float:
    one, other = real.numpy(), synthetic.numpy()
    s1, s2 = np.cov(one.T), np.cov(other.T)
    shift = one.mean(0) - other.mean(0)
    return float(shift @ shift + np.trace(s1 + s2 - 2 * np.real(scipy.linalg.sqrtm(s1 @ s2))))


def test_it_is_the_closed_form_for_two_gaussians() -> None:
    real = cloud(200, 5) @ cloud(5, 5, seed=1)
    synthetic = cloud(150, 5, seed=2) @ cloud(5, 5, seed=3) + 0.7
    assert FID()(real, synthetic).value == pytest.approx(by_scipy(real, synthetic), rel=1e-9)


def test_it_is_worked_out_by_hand_in_one_dimension() -> None:
    # Means 1 and 5, variances 2 and 8: 4^2 + 2 + 8 - 2 sqrt(16).
    assert FID(resamples=0)(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [7.0]])).value == pytest.approx(18.0)


def test_the_same_set_is_at_distance_zero_also_with_fewer_samples_than_dimensions() -> None:
    for count in (60, 4):
        assert FID(resamples=0)(cloud(count, 20), cloud(count, 20)).value == pytest.approx(0.0, abs=1e-5)


def test_it_is_symmetric_grows_with_the_shift_and_sees_neither_rotation_nor_where_zero_is() -> None:
    real, synthetic = cloud(80, 4), 1.5 * cloud(70, 4, seed=1) + 0.5
    found = FID(resamples=0)(real, synthetic).value
    assert FID(resamples=0)(synthetic, real).value == pytest.approx(found, rel=1e-9)
    assert FID(resamples=0)(turned(real), turned(synthetic)).value == pytest.approx(found, rel=1e-9)
    assert FID(resamples=0)(real + 1e6, synthetic + 1e6).value == pytest.approx(found, rel=1e-6)
    assert FID(resamples=0)(3 * real, 3 * synthetic).value == pytest.approx(9 * found, rel=1e-9)
    assert FID(resamples=0)(real, synthetic + 1).value > found + 1


def test_two_sets_of_one_gaussian_are_as_far_apart_as_the_docstring_says() -> None:
    found = FID(resamples=0)(cloud(200, 20), cloud(200, 20, seed=1)).value
    assert found / 20 == pytest.approx(20 / 400, rel=0.25)


def test_the_deviation_tells_how_much_it_moves() -> None:
    metric = FID(resamples=20)
    values = [metric(cloud(100, 3, seed=2 * seed), 2 + cloud(100, 3, seed=2 * seed + 1)) for seed in range(20)]
    spread = float(np.std([found.value for found in values], ddof=1))
    assert float(np.mean([found.std for found in values])) == pytest.approx(spread, rel=0.5)


def test_covariances_of_low_rank_have_a_distance_all_the_same() -> None:
    from genaug_data.metrics.fid import _by_symmetric_root

    one, other = cloud(200, 5) @ cloud(5, 5, seed=1), cloud(150, 5, seed=2) @ cloud(5, 5, seed=3) + 0.7
    assert _by_symmetric_root(one, other) == pytest.approx(by_scipy(one, other), rel=1e-9)
    for seed in range(6):
        # Sixteen times each of three numbers: what a grid shows of a single pixel.
        real, synthetic = (
            torch.randint(0, 256, (20, 3), generator=torch.Generator().manual_seed(seed + place)).double() / 255
            for place in (0, 100)
        )
        found = FID(resamples=0)(real.repeat_interleave(16, 1), synthetic.repeat_interleave(16, 1)).value
        assert found == pytest.approx(16 * by_scipy(real, synthetic), rel=1e-3)
