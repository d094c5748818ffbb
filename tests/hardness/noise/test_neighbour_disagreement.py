import numpy as np
import pytest

from genaug_data.errors import ConfigError
from genaug_data.hardness import FeatureNeighbours, HardnessTable
from genaug_data.hardness.noise import NeighbourDisagreement
from genaug_data.seeding import numpy_generator


def mixed(size=40):
    random = numpy_generator(9)
    return random.normal(size=(size, 4)), random.integers(0, 3, size)


def slow_neighbours(features, labels, k):
    unit = [point / np.sqrt((point * point).sum()) for point in features]
    for i in range(len(labels)):
        ordered = sorted((-float(unit[i] @ unit[j]), j) for j in range(len(labels)) if j != i)
        yield [int(labels[j]) for _, j in ordered[:k]]


@pytest.mark.parametrize("share", [0.4, 0.5, 0.8])
def test_suspects_and_suggestions_equal_the_slow_loop(share):
    features, labels = mixed()
    neighbours, table = FeatureNeighbours(neighbours=5), HardnessTable(40)
    neighbours.update(features, labels)
    policy = NeighbourDisagreement(neighbours, share=share)
    suspects, suggestions = policy.suspects(table).tolist(), policy.suggestions(table).tolist()
    for i, nearest in enumerate(slow_neighbours(features, labels, 5)):
        suspect = sum(label != labels[i] for label in nearest) / 5 > share
        assert suspects[i] == suspect
        commonest = min(set(nearest), key=lambda label: (-nearest.count(label), label))
        assert suggestions[i] == (commonest if suspect and commonest != labels[i] else -1)
    assert 0 < sum(suspects) < 40


def test_before_the_first_update_nobody_is_suspect_and_the_newest_counts():
    neighbours, table = FeatureNeighbours(neighbours=3), HardnessTable(40)
    policy = NeighbourDisagreement(neighbours)
    assert not policy.suspects(table).any()
    assert set(policy.suggestions(table)) == {-1}
    neighbours.update(*mixed())
    policy.score(table)[:] = 0
    assert policy.suspects(table).any()
    features, labels = mixed()
    neighbours.update(10 * np.eye(4)[labels] + 0.1 * features, labels)
    assert not policy.suspects(table).any()


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(ConfigError, match=r"share must be in \[0, 1\), got .*; 0.5 suspects whom most neighbours"):
        NeighbourDisagreement(FeatureNeighbours(), share=share)
