from __future__ import annotations

import pytest
import torch

from genaug_data.metrics import Precision
from tests.metrics.clouds import cloud, distance, radius, turned

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def slow(real: torch.Tensor, synthetic: torch.Tensor, k: int) -> float:
    hits = [any(distance(s, r) <= radius(real, i, k) for i, r in enumerate(real)) for s in synthetic]
    return sum(hits) / len(hits)


def test_it_is_the_share_of_synthetic_points_in_some_ball() -> None:
    real, synthetic = cloud(25), 1.5 * cloud(20, seed=1)
    assert Precision()(real, synthetic).value == slow(real, synthetic, 3)
    assert 0 < slow(real, synthetic, 3) < 1
    assert Precision(neighbours=1)(real, synthetic).value == slow(real, synthetic, 1)


def test_sets_that_are_the_same_and_sets_that_are_far_apart() -> None:
    assert Precision()(cloud(30), cloud(30)).value == 1
    assert Precision()(cloud(30), cloud(30) + 50).value == 0


def test_it_sees_neither_rotation_nor_scale() -> None:
    real, synthetic = cloud(25), 1.5 * cloud(20, seed=1)
    assert Precision()(7 * turned(real), 7 * turned(synthetic)).value == Precision()(real, synthetic).value
