from __future__ import annotations

import pytest
import torch

from genaug_data.metrics import Coverage
from tests.metrics.clouds import cloud, distance, radius

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def test_it_is_the_share_of_real_points_with_a_synthetic_one_nearby() -> None:
    real, synthetic = 3 * cloud(25), 0.5 * cloud(20, seed=1)
    covered = [any(distance(s, r) <= radius(real, i, 5) for s in synthetic) for i, r in enumerate(real)]
    assert Coverage()(real, synthetic).value == sum(covered) / 25
    assert 0 < sum(covered) < 25


def test_sets_that_are_the_same_far_apart_or_of_one_source() -> None:
    assert Coverage()(cloud(30), cloud(30)).value == 1
    assert Coverage()(cloud(30), cloud(30) + 50).value == 0
    for k in (1, 5):
        expected = 1 - 0.5**k
        assert Coverage(neighbours=k)(cloud(600), cloud(600, seed=1)).value == pytest.approx(expected, abs=0.06)


def test_outliers_do_not_raise_it() -> None:
    real = cloud(40)
    synthetic = torch.cat([real[:10], 100 * cloud(30, seed=1)])
    before = Coverage()(real, real[:10]).value
    assert Coverage()(real, synthetic).value == before < 1
