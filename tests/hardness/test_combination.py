import numpy as np
import pytest

from genaug_data.errors import ConfigError
from genaug_data.hardness import Combination, Entropy, HardnessTable, LossEma, Uniform
from genaug_data.seeding import numpy_generator
from tests.hardness.slow import class_rank


def observed(size=40):
    random, table = numpy_generator(4), HardnessTable(size)
    table.observations[:], table.label[:] = random.integers(0, 6, size), random.integers(0, 3, size)
    table.entropy_ema[:], table.loss_ema[:] = random.random(size), 5 * random.random(size)
    table.entropy_ema[::9] = np.nan
    return table


def test_priorities_equal_the_slow_loop():
    table = observed()
    policy = Combination([(Entropy(min_observations=3), 3.0), (LossEma(), 1.0)], power=2.0, floor=0.1)
    known = [i for i in range(40) if table.observations[i] >= 3 and np.isfinite(table.entropy_ema[i])]
    assert 10 < len(known) < 30
    weights = [0.0] * 40
    for i in known:
        entropy = class_rank(table.entropy_ema, table.label, i, known)
        weights[i] = ((3 * entropy + class_rank(table.loss_ema, table.label, i, known)) / 4) ** 2
    expected = [0.9 * weight / sum(weights) + 0.1 / 40 for weight in weights]
    assert policy.min_observations == 3
    assert policy.priorities(table) == pytest.approx(expected, rel=1e-4)


def test_units_do_not_matter_but_weights_do():
    table, mine = observed(), [(Entropy(), 1.0), (LossEma(), 1.0)]
    before = Combination(mine).score(table)
    table.loss_ema *= 1000
    assert np.array_equal(Combination(mine).score(table), before, equal_nan=True)
    assert not np.array_equal(Combination([(Entropy(), 5.0), (LossEma(), 1.0)]).score(table), before, equal_nan=True)


@pytest.mark.parametrize("weights", [[], [1.0, 0.0], [-1.0], [float("nan")]])
def test_what_counts_for_nothing_is_refused(weights):
    with pytest.raises(ConfigError, match=r"parts must be policies with weights above 0, got weights .*; leave out"):
        Combination([(Uniform(), weight) for weight in weights])
