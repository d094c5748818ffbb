from __future__ import annotations

import pytest
import torch

from genaug_data.metrics import Authenticity
from tests.metrics.clouds import cloud, distance, radius

pytestmark = pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")


def test_it_compares_with_the_nearest_neighbour_of_the_nearest_training_sample() -> None:
    real, synthetic = cloud(25), cloud(20, seed=1)
    authentic = 0
    for point in synthetic:
        distances = [distance(point, other) for other in real]
        place = distances.index(min(distances))
        authentic += distances[place] > radius(real, place, 1)
    assert Authenticity()(real, synthetic).value == authentic / 20
    assert 0 < authentic < 20


def test_copies_are_none_and_what_is_far_from_all_is() -> None:
    training = cloud(30)
    assert Authenticity()(training, training).value == 0
    assert Authenticity()(training, training + 1e-9).value == 0
    assert Authenticity()(training, training + 50).value == 1
    assert Authenticity()(torch.cat([training, training]), training).value == 0


def test_new_samples_of_one_source_have_what_the_docstring_says() -> None:
    for dimensions, share in ((1, 0.3), (16, 0.7), (256, 0.85)):
        found = Authenticity(resamples=0)(cloud(600, dimensions), cloud(600, dimensions, seed=1)).value
        assert found == pytest.approx(share, abs=0.07)


def test_copies_among_new_samples_lower_it_by_their_share() -> None:
    training, fresh = cloud(200), cloud(100, seed=1)
    alone = Authenticity()(training, fresh).value
    assert 0 < alone < 1
    assert Authenticity()(training, torch.cat([fresh, training[:100]])).value == pytest.approx(alone / 2)
