from __future__ import annotations

import numpy as np
import pytest
import torch

from genaug_data.metrics import KID
from genaug_data.seeding import derive, permutation
from tests.metrics.clouds import cloud, turned

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def mmd(one: torch.Tensor, other: torch.Tensor) -> float:
    def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
        return (float(x @ y) / len(x) + 1) ** 3

    size = len(one)
    within = sum(
        kernel(part[i], part[j]) for part in (one, other) for i in range(size) for j in range(size) if i != j
    ) / (size * (size - 1))
    return within - 2 * sum(kernel(x, y) for x in one for y in other) / size**2


def test_it_is_the_mean_over_subsets_of_the_unbiased_estimate() -> None:
    real, synthetic = cloud(12, 2), cloud(10, 2, seed=1) + 0.5
    found = []
    for draw in range(100):
        one = real[permutation(derive(3, "subset", "real", draw), 12)[:5]]
        other = synthetic[permutation(derive(3, "subset", "synthetic", draw), 10)[:5]]
        found.append(mmd(one, other))
    estimate = KID(seed=3)(real, synthetic)
    assert estimate.value == pytest.approx(np.mean(found))
    assert estimate.std == pytest.approx(np.std(found))


def test_two_points_of_each_set_are_worked_out_by_hand() -> None:
    # Both subsets hold two of equal points: 0 and 0 have the kernel 1, 1 and 1 have 8, 0 and 1 have 1.
    assert KID()(torch.zeros(4, 1), torch.ones(4, 1)).value == pytest.approx(1 + 8 - 2 * 1)


def test_sets_of_one_source_are_at_zero_on_average_whatever_their_size() -> None:
    for size in (40, 160):
        values = [KID()(cloud(size, seed=2 * seed), cloud(size, seed=2 * seed + 1)).value for seed in range(12)]
        assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(12)


def test_it_sees_no_rotation_and_grows_with_the_shift() -> None:
    real, synthetic = cloud(60), cloud(50, seed=1) + 1
    found = KID()(real, synthetic).value
    assert KID()(turned(real), turned(synthetic)).value == pytest.approx(found)
    assert KID()(real, synthetic + 1).value > 2 * found > 0
