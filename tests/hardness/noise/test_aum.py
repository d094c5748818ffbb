import numpy as np
import pytest

from genaug_data.errors import ConfigError
from genaug_data.hardness import HardnessTable, RowStatistics
from genaug_data.hardness.noise import AumQuantile, AumThreshold, NoisePolicy, draw_threshold_samples
from genaug_data.seeding import numpy_generator


def observed(size=60):
    random, table = numpy_generator(6), HardnessTable(size)
    table.predictions[:], table.label[:] = random.integers(1, 9, size), random.integers(0, 3, size)
    table.aum_sum[:] = 4 * table.predictions * random.normal(size=size)
    table.aum_sum[5] = np.nan
    return table


def areas(table, least):
    seen = [i for i in range(table.size) if table.predictions[i] >= least and np.isfinite(table.aum_sum[i])]
    return {i: float(table.aum_sum[i]) / int(table.predictions[i]) for i in seen}


@pytest.mark.parametrize(("rate", "least"), [(0.1, 3), (0.5, 1)])
def test_the_lowest_share_of_every_class_is_suspect(rate, least):
    table = observed()
    expected = set()
    for label in range(3):
        mine = {area: i for i, area in areas(table, least).items() if table.label[i] == label}
        lowest = sorted(mine)
        # The i-th of n stands at the middle of its n-th.
        expected |= {mine[area] for place, area in enumerate(lowest) if (place + 0.5) / len(lowest) < rate}
    policy = AumQuantile(rate, min_observations=least)
    found = policy.suspects(table)
    assert found.dtype == bool
    assert set(np.flatnonzero(found)) == expected != set()
    assert set(policy.suggestions(table)) == {-1}


@pytest.mark.parametrize("quantile", [0.5, 0.99])
def test_who_is_below_the_threshold_samples_is_suspect(quantile):
    table = observed()
    samples = draw_threshold_samples(60, classes=3, seed=2)
    known = areas(table, 3)
    of_samples = sorted(known[i] for i in samples if i in known)
    place = quantile * (len(of_samples) - 1)
    below = int(place)
    above = min(below + 1, len(of_samples) - 1)
    cut = of_samples[below] + (place - below) * (of_samples[above] - of_samples[below])
    expected = {i for i, area in known.items() if area < cut and i not in samples}
    policy = AumThreshold(samples[::-1], quantile=quantile)
    assert set(np.flatnonzero(policy.suspects(table))) == expected != set()
    for i, score in enumerate(policy.score(table)):
        assert score == pytest.approx(-known[i] if i in known and i not in samples else np.nan, nan_ok=True)


def test_wrong_labels_are_told_without_knowing_their_rate():
    random, table = numpy_generator(7), HardnessTable(200)
    samples = draw_threshold_samples(200, classes=3)
    wrong = np.zeros(200, dtype=bool)
    wrong[random.permutation(np.setdiff1d(np.arange(200), samples))[:20]] = True
    for step in range(6):
        statistics = np.zeros((len(RowStatistics._fields), 200), dtype=np.float32)
        statistics[4] = 3 + random.normal(size=200)
        low = wrong.copy()
        low[samples] = True
        statistics[4, low] -= 6
        table.update(np.arange(200), statistics, step)
    found = AumThreshold(samples).suspects(table)
    assert found[wrong].mean() > 0.9
    assert found[~wrong].mean() < 0.05


def test_nothing_is_suspect_before_anything_is_known():
    for policy in (AumQuantile(0.5), AumThreshold([0])):
        assert policy.suspects(HardnessTable(3)).tolist() == [False] * 3
    table = HardnessTable(3)
    table.predictions[1:] = 5
    assert AumThreshold([0]).suspects(table).tolist() == [False] * 3


@pytest.mark.parametrize(("size", "classes", "count"), [(110, 10, 10), (50_000, 10, 4545), (5, 10, 1)])
def test_threshold_samples_are_a_class_of_the_size_of_others(size, classes, count):
    samples = draw_threshold_samples(size, classes, seed=1)
    assert len(set(samples.tolist())) == count
    assert samples.tolist() == sorted(samples.tolist())
    assert 0 <= samples[0] <= samples[-1] < size
    assert np.array_equal(draw_threshold_samples(size, classes, seed=1), samples)
    if size > 5:
        assert not np.array_equal(draw_threshold_samples(size, classes, seed=2), samples)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: AumQuantile(1.0), r"noise_rate must be in \(0, 1\), got 1.0; 0.05 is the default"),
        (lambda: AumQuantile(min_observations=0), "min_observations must be at least 1, got 0; 3 is the default"),
        (lambda: AumThreshold([]), r"threshold_samples must be indices, at least one, got .*; pass what draw_"),
        (lambda: AumThreshold([True, False]), "threshold_samples must be indices"),
        (lambda: AumThreshold([-1]), "threshold_samples must be indices"),
        (lambda: AumThreshold([1], quantile=0.0), r"quantile must be in \(0, 1\), got 0.0; 0.99 is the default"),
        (lambda: AumThreshold([1], min_observations=0), "min_observations must be at least 1, got 0"),
        (lambda: AumThreshold([3]).suspects(HardnessTable(3)), "threshold sample 3 is not among 3 examples; draw them"),
        (lambda: draw_threshold_samples(1, 3), "size must be at least 2 and classes 1, got 1 and 3; pass those of"),
        (lambda: draw_threshold_samples(9, 0), "size must be at least 2 and classes 1, got 9 and 0"),
    ],
)
def test_what_cannot_be_is_refused(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()


class Broken(NoisePolicy):
    name = "broken"

    def __init__(self, scores, decisions):
        self.scores, self.decisions = scores, decisions

    def score(self, table):
        return np.ones(self.scores)

    def decide(self, table, score):
        return np.ones(self.decisions, dtype=bool)


def test_a_policy_of_another_dataset_is_refused():
    with pytest.raises(ConfigError, match=r"broken must give one score for each of 3 examples, got shape \(2,\); pass"):
        Broken(2, 3).suspects(HardnessTable(3))
    with pytest.raises(ConfigError, match=r"broken must give one decision for each of 3 examples, got shape \(1,\)"):
        Broken(3, 1).suspects(HardnessTable(3))
