from __future__ import annotations

import pytest

from genaug_data.metrics import Density
from tests.metrics.clouds import cloud, distance, radius, turned

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def test_it_counts_the_balls_of_real_points() -> None:
    real, synthetic = cloud(25), 1.5 * cloud(20, seed=1)
    balls = sum(distance(s, r) <= radius(real, i, 5) for i, r in enumerate(real) for s in synthetic)
    assert Density()(real, synthetic).value == balls / (5 * 20)
    assert Density()(turned(real), turned(synthetic)).value == balls / (5 * 20)


def test_the_real_points_themselves_are_in_their_own_balls_as_well() -> None:
    assert Density()(cloud(30), cloud(30)).value == pytest.approx(6 / 5)
    assert Density(neighbours=1)(cloud(30), cloud(30)).value == 2


def test_two_sets_of_one_source_are_about_one() -> None:
    assert Density()(cloud(400), cloud(400, seed=1)).value == pytest.approx(1, abs=0.15)


def test_one_outlier_among_the_real_points_moves_it_little() -> None:
    real, synthetic = cloud(200), cloud(100, seed=1) + 8
    real[0] = 8
    assert Density()(real, synthetic).value <= 0.2
