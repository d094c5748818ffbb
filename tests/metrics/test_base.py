from __future__ import annotations

import math
import statistics
import warnings

import pytest
import torch

from genaug_data.errors import ConfigError, DataError, GenaugWarning, SampleSizeWarning
from genaug_data.metrics import (
    FID,
    KID,
    Authenticity,
    ClassPixelDivergence,
    Coverage,
    Density,
    MaskFID,
    Precision,
    Recall,
    SetMetric,
    kid,
)
from genaug_data.metrics.base import Estimate
from tests.metrics.clouds import cloud

ALL = [
    FID(),
    KID(),
    Precision(),
    Recall(),
    Density(),
    Coverage(),
    Authenticity(),
    MaskFID(4, progress=False),
    ClassPixelDivergence(4, progress=False),
]


class MeanOf(SetMetric):
    """Notes what it was given."""

    name = "mean"
    least = 3

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        self.seen = [*getattr(self, "seen", []), (real, synthetic)]
        return float(synthetic.mean())


def test_the_deviation_is_that_over_random_halves_without_repetition() -> None:
    metric = MeanOf(resamples=5)
    found = metric(torch.arange(10.0)[:, None], torch.arange(9.0)[:, None])
    (real, synthetic), *halves = metric.seen
    assert (real.dtype, len(real), len(synthetic), len(halves)) == (torch.float64, 10, 9, 5)
    assert all(len(part) == len(part.unique()) == 5 for part, _ in halves)
    assert all(len(part) == len(part.unique()) == 4 for _, part in halves)
    means = [float(part.mean()) for _, part in halves]
    assert found.value == 4.0
    assert found.std == pytest.approx(statistics.stdev(means))
    assert found.std > 0
    assert (found.real, found.synthetic) == (10, 9)
    assert MeanOf(resamples=5)(torch.arange(10.0)[:, None], torch.arange(9.0)[:, None]) == found
    assert MeanOf(resamples=5, seed=1)(torch.arange(10.0)[:, None], torch.arange(9.0)[:, None]) != found


def test_the_deviation_of_a_mean_is_its_standard_error() -> None:
    points = cloud(400, 1)
    found = MeanOf(resamples=200)(points, points)
    assert found.std == pytest.approx(float(points.std()) / 20, rel=0.2)


def test_there_is_no_deviation_where_nobody_asks_or_halves_are_too_small() -> None:
    assert math.isnan(MeanOf(resamples=0)(cloud(10), cloud(10)).std)
    assert math.isnan(MeanOf()(cloud(10), cloud(5)).std)
    assert not math.isnan(MeanOf()(cloud(10), cloud(6)).std)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_a_set_that_is_too_small_warns_with_the_size_it_needs(
    monkeypatch: pytest.MonkeyPatch, metric: SetMetric
) -> None:
    monkeypatch.setattr(kid, "_SUBSET_SIZE", 20)
    needed = metric.needed(4)
    points = cloud(needed, 4).abs()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric(points, points)
    with pytest.warns(SampleSizeWarning, match=f"4 dimensions it needs {needed:,} of each") as caught:
        metric(points, points[:-1])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert issubclass(SampleSizeWarning, GenaugWarning)


def test_frechet_distances_need_more_samples_than_dimensions() -> None:
    assert (FID().needed(64), FID().needed(2048), FID().needed(4096)) == (2048, 2049, 4097)
    assert MaskFID(4).needed(68) == 680


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_what_cannot_be_compared_is_refused(metric: SetMetric) -> None:
    with pytest.raises(DataError, match="one width, found 4 and 5"):
        metric(cloud(9, 4), cloud(9, 5))
    with pytest.raises(DataError, match=f"at least {metric.least} samples of each set, found {metric.least - 1}"):
        metric(cloud(9, 4), cloud(metric.least - 1, 4))
    broken = cloud(9, 4)
    broken[3, 2] = torch.nan
    with pytest.raises(DataError, match="NaN or infinite"):
        metric(cloud(9, 4), broken)


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size must be at least 1, got 0"):
        MeanOf(batch_size=0)
    for resamples in (1, -1):
        with pytest.raises(ConfigError, match=f"resamples must be 0.*, or at least 2, got {resamples}"):
            MeanOf(resamples=resamples)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
@pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")
def test_no_order_of_the_samples_and_no_global_generator_plays_a_part(metric: SetMetric) -> None:
    real, synthetic = cloud(40, 4).abs(), cloud(30, 4, seed=1).abs()
    state = torch.get_rng_state()
    first = metric(real, synthetic)
    assert torch.equal(torch.get_rng_state(), state)
    assert metric(real, synthetic) == first
    if metric.name != "KID":
        assert metric(real.flip(0), synthetic.flip(0)).value == pytest.approx(first.value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("features", "found"),
    [(torch.zeros(8, 0), "found 0 of"), (torch.full((8, 2), 1e60, dtype=torch.float64), "found 2 of up to 1e.60")],
)
def test_features_that_no_number_comes_of_are_refused(features: torch.Tensor, found: str) -> None:
    for metric in (FID(), KID()):
        with pytest.raises(DataError, match=rf"at least one number a sample, at most 1e\+40 in size, {found}"):
            metric(features, features)


def test_what_was_not_asked_for_is_not_printed() -> None:
    assert str(Estimate(1.5, float("nan"), 3, 3)) == "1.5"
    assert str(Estimate(1.5, 0.25, 3, 3)) == "1.5 ± 0.25"
