from __future__ import annotations

import pytest

from genaug_data.metrics import Precision, Recall
from tests.metrics.clouds import cloud
from tests.metrics.test_precision import slow

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def test_it_is_the_share_of_real_points_in_some_ball_of_a_synthetic_one() -> None:
    real, synthetic = cloud(25), 0.5 * cloud(20, seed=1)
    found = Recall()(real, synthetic).value
    assert found == slow(synthetic, real, 3) == Precision()(synthetic, real).value
    assert 0 < found < 1


def test_a_collapsed_generator_has_precision_without_recall() -> None:
    real = cloud(40)
    collapsed = real[:1] + 0.01 * cloud(40, seed=1)
    assert Precision()(real, collapsed).value == 1
    assert Recall()(real, collapsed).value <= 0.05
