import math
from collections import Counter

import numpy as np
import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.hardness import FeatureNeighbours, HardnessTable, feature_neighbours
from genaug_data.seeding import numpy_generator
from tests.hardness.slow import class_rank


def clouds(size=50, seed=0, apart=1.5):
    random = numpy_generator(seed)
    labels = random.integers(0, 3, size)
    features = random.normal(size=(size, 6)) + apart * np.eye(6)[labels]
    labels[0] = 7
    return features, labels


def slow_judgement(features, labels, k):
    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    judged = []
    for i, point in enumerate(features.tolist()):
        others = sorted((-cosine(point, features[j].tolist()), j) for j in range(len(features)) if j != i)
        nearest = [int(labels[j]) for _, j in others[:k]]
        own = [1 + minus for minus, j in others if labels[j] == labels[i]]
        votes = Counter(nearest)
        commonest = min(label for label, count in votes.items() if count == max(votes.values()))
        judged.append(
            (
                sum(label != labels[i] for label in nearest) / k,
                min(own, default=math.inf),
                commonest if commonest != labels[i] else -1,
            )
        )
    return judged


@pytest.mark.parametrize("chunk", [1 << 24, 100, 1])
@pytest.mark.parametrize("k", [1, 4])
def test_scores_equal_the_slow_loop(monkeypatch, chunk, k):
    monkeypatch.setattr(feature_neighbours, "_MOST_SIMILARITIES", chunk)
    features, labels = clouds()
    policy = FeatureNeighbours(neighbours=k)
    policy.update(torch.from_numpy(features), torch.from_numpy(labels))
    disagreement, distance, suggestion = zip(*slow_judgement(features, labels, k), strict=True)
    assert policy.disagreement.tolist() == pytest.approx(disagreement)
    assert policy.distance.tolist() == pytest.approx(distance, abs=2e-5)
    assert policy.suggestion.tolist() == list(suggestion)
    everyone, distance = range(50), [round(value, 5) for value in distance]
    expected = [sum(class_rank(values, labels, i, everyone) for values in (disagreement, distance)) for i in everyone]
    assert policy.score(HardnessTable(50)).tolist() == pytest.approx(expected, abs=1e-6)
    weights = [score**0.6 for score in expected]
    slow = [0.85 * weight / sum(weights) + 0.15 / 50 for weight in weights]
    assert policy.priorities(HardnessTable(50)) == pytest.approx(slow, rel=1e-5)


def test_an_example_among_another_class_is_hardest_of_its_own():
    features, labels = clouds(seed=1, apart=20)
    features[20], labels[20] = 10 * np.eye(6)[0], 1
    policy = FeatureNeighbours(neighbours=5)
    policy.update(features, labels)
    scores = policy.score(HardnessTable(50))
    assert scores[20] == scores[labels == 1].max()
    assert policy.suggestion[20] == 0


def test_all_are_equal_before_the_first_update_and_the_newest_counts():
    policy, table = FeatureNeighbours(neighbours=2), HardnessTable(50)
    assert policy.disagreement is policy.distance is policy.suggestion is None
    assert policy.priorities(table) == pytest.approx(1 / 50)
    policy.update(*clouds())
    first = policy.score(table).copy()
    policy.score(table)[:] = 0
    assert np.array_equal(policy.score(table), first)
    policy.update(*clouds(seed=5))
    second, other = policy.score(table), FeatureNeighbours(neighbours=2)
    other.update(*clouds(seed=5))
    assert np.array_equal(second, other.score(table))
    assert not np.array_equal(second, first)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_inputs_of_any_precision_are_left_alone(dtype):
    features, labels = (torch.from_numpy(value) for value in clouds())
    given = features.to(dtype).requires_grad_()
    before = given.detach().clone()
    FeatureNeighbours().update(given, labels.to(torch.int32))
    assert torch.equal(given.detach(), before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_says_the_same():
    features, labels = (torch.from_numpy(value) for value in clouds())
    ours, theirs = FeatureNeighbours(), FeatureNeighbours()
    ours.update(features, labels)
    theirs.update(features.cuda(), labels)
    assert np.array_equal(ours.suggestion, theirs.suggestion)
    assert ours.distance == pytest.approx(theirs.distance, abs=1e-5)


@pytest.mark.parametrize(
    ("features", "labels", "sentence"),
    [
        (np.zeros((30, 2, 2)), np.zeros(30), r"features must be \(N, D\) and labels \(N,\), got \(30, 2, 2\) and"),
        (np.zeros((30, 2)), np.zeros(29), r"got \(30, 2\) and \(29,\); pool features over space first"),
        (np.zeros((10, 2)), np.zeros(10), "10 neighbours need more examples than 10; pass a smaller neighbours="),
        (np.full((30, 2), np.nan), np.zeros(30), "features hold values that are not finite; pass those of a network"),
    ],
)
def test_what_are_no_features_is_refused(features, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        FeatureNeighbours().update(features, labels)


def test_no_neighbour_is_refused():
    with pytest.raises(ConfigError, match="neighbours must be at least 1, got 0; 10 is the default"):
        FeatureNeighbours(neighbours=0)
