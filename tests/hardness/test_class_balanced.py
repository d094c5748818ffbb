import numpy as np
import pytest

from genaug_data.errors import ConfigError
from genaug_data.hardness import ClassBalanced, Entropy, HardnessTable, Uniform
from genaug_data.seeding import numpy_generator


def skewed(size=60):
    random, table = numpy_generator(3), HardnessTable(size)
    table.label[:] = random.choice([0, 3, 9], size, p=[0.8, 0.15, 0.05])
    table.label[:5] = -1
    table.observations[:], table.entropy_ema[:] = 2, random.random(size)
    table.observations[5:9] = 1
    return table


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999])
def test_priorities_equal_the_slow_loop(beta):
    table = skewed()
    labels = table.label.tolist()
    weights = []
    for label in labels:
        count = labels.count(label)
        effective = sum(beta**power for power in range(count))
        weights.append(1 / effective if label >= 0 else None)
    known = [weight for weight in weights if weight is not None]
    mean = sum(known) / len(known)
    weighted = [
        priority * (1.0 if weight is None else weight / mean)
        for priority, weight in zip(Entropy().priorities(table).tolist(), weights, strict=True)
    ]
    expected = np.array(weighted) / sum(weighted)
    assert ClassBalanced(Entropy(), beta=beta).priorities(table) == pytest.approx(expected, rel=1e-6)


def test_both_ends_of_beta():
    table = skewed()
    table.label[:5] = 0
    assert ClassBalanced(Entropy(), beta=0.0).priorities(table) == pytest.approx(Entropy().priorities(table))
    balanced = ClassBalanced(Uniform(), beta=1 - 1e-9).priorities(table)
    for label in (0, 3, 9):
        assert balanced[table.label == label].sum() == pytest.approx(1 / 3, abs=1e-4)


def test_within_a_class_the_wrapped_policy_decides_floor_included():
    table, policy = skewed(), Entropy(floor=0.3, min_observations=2)
    balanced, plain = ClassBalanced(policy).priorities(table), policy.priorities(table)
    for label in (-1, 0, 3, 9):
        mine = table.label == label
        assert balanced[mine] / balanced[mine].sum() == pytest.approx(plain[mine] / plain[mine].sum())
    assert (balanced > 0).all()


def test_without_labels_nothing_changes():
    table = HardnessTable(4)
    table.observations[:], table.entropy_ema[:] = 2, (0.1, 0.2, 0.3, 0.4)
    assert ClassBalanced(Entropy()).priorities(table) == pytest.approx(Entropy().priorities(table))


def test_who_may_be_a_parent_is_the_wrapped_policys():
    assert ClassBalanced(Entropy(min_observations=7)).min_observations == 7
    assert ClassBalanced(Uniform()).min_observations == 0


@pytest.mark.parametrize("beta", [1.0, -0.1, float("nan")])
def test_a_beta_outside_its_range_is_refused(beta):
    with pytest.raises(ConfigError, match=r"beta must be in \[0, 1\), got .*; 0.999 is the default"):
        ClassBalanced(Uniform(), beta=beta)
