import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import ConfigError
from genaug_data.hardness import POLICIES, HardnessPolicy, HardnessTable, resolve_policy
from genaug_data.hardness.ambiguity import Ambiguity
from genaug_data.hardness.loss_ema import LossEma
from genaug_data.seeding import numpy_generator

FLOATS = ("loss_ema", "entropy_ema", "margin_ema", "probability_sum", "probability_square_sum", "aum_sum")
INTEGERS = ("predictions", "forgetting", "last_correct", "observations", "last_seen", "label")


def trained_table(size=40, steps=8, seed=0, logits=True):
    random, table = numpy_generator(seed), HardnessTable(size)
    labels = random.integers(0, 3, size)
    for step in range(steps):
        index = random.permutation(size)[: size // 2]
        statistics = random.random((8, len(index))).astype(np.float32)
        statistics[6] = labels[index]
        if not logits:
            statistics[1:] = np.nan
        table.update(index, statistics, step)
    return table


def slow_priorities(scores, observations, least, power, floor):
    weights = [max(s, 0.0) ** power if n >= least else 0.0 for s, n in zip(scores, observations, strict=True)]
    if sum(weights) == 0:
        return [1 / len(weights)] * len(weights)
    return [(1 - floor) * w / sum(weights) + floor / len(weights) for w in weights]


def slow_class_rank(values, labels, who):
    mates = [i for i in range(len(values)) if labels[i] == labels[who] and not np.isnan(values[i])]
    smaller = sum(values[i] < values[who] for i in mates)
    return (smaller + sum(values[i] == values[who] for i in mates) / 2) / len(mates)


def slow_scores(name, table):
    scores = []
    known = [i for i in range(table.size) if table.predictions[i] >= 2]
    for i in range(table.size):
        if name == "uniform":
            scores.append(1.0)
        elif i not in known:
            scores.append(0.0)
        elif name == "loss_ema":
            scores.append(float(table.loss_ema[i]) + 1e-6)
        elif name == "entropy":
            scores.append(float(table.entropy_ema[i]))
        elif name == "margin":
            scores.append(1 - float(table.margin_ema[i]))
        else:
            mask = [j in known for j in range(table.size)]
            entropy = np.where(mask, table.entropy_ema, np.nan)
            variability = np.where(mask, table.variability(), np.nan).astype(np.float32)
            scores.append(
                slow_class_rank(entropy, table.label, i) + slow_class_rank(variability, table.label, i),
            )
    return scores


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("steps", [3, 20])
def test_priorities_equal_the_slow_loop(name, steps):
    table = trained_table(steps=steps)
    assert ((table.observations < 2).any(), (table.observations >= 2).any()) == (steps == 3, True)
    policy = resolve_policy(name)
    least = 0 if name == "uniform" else 2
    expected = slow_priorities(slow_scores(name, table), table.observations, least, 0.6, 0.15)
    assert policy.priorities(table) == pytest.approx(np.array(expected), rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(1, 6), name=st.sampled_from([*sorted(POLICIES), "function"]))
def test_priorities_are_a_distribution_whatever_is_in_the_table(data, size, name):
    table = HardnessTable(size)
    for column in FLOATS:
        getattr(table, column)[:] = data.draw(st.lists(st.floats(width=32), min_size=size, max_size=size))
    for column in INTEGERS:
        least = 0 if column in ("observations", "predictions") else -(2**31)
        values = st.lists(
            st.one_of(st.integers(max(least, -1), 4), st.integers(least, 2**31 - 1)), min_size=size, max_size=size
        )
        getattr(table, column)[:] = data.draw(values)
    power, floor = data.draw(st.floats(1e-3, 50)), data.draw(st.floats(0, 1))
    policy = resolve_policy(lambda table: table.aum_sum if name == "function" else None)
    if name != "function":
        policy = POLICIES[name](power=power, floor=floor)
    priorities = policy.priorities(table)
    assert priorities.shape == (size,)
    assert priorities.dtype == np.float64
    assert (priorities >= 0).all()
    assert priorities.sum() == pytest.approx(1.0, abs=1e-9)


def test_examples_seen_too_rarely_get_the_floor_alone():
    table = trained_table(steps=3)
    rarely = table.observations < 2
    for name in ("ambiguity", "loss_ema", "entropy", "margin"):
        priorities = resolve_policy(name).priorities(table)
        assert priorities[rarely] == pytest.approx(0.15 / table.size)
        assert (priorities[~rarely] > 0.15 / table.size).all()


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_all_are_equal_before_anything_is_known(name):
    table = HardnessTable(5)
    assert resolve_policy(name).priorities(table) == pytest.approx(0.2)
    table.update(np.array([1]), np.ones((8, 1), dtype=np.float32), 0)
    priorities = resolve_policy(name).priorities(table)
    assert priorities == pytest.approx(0.2)
    assert len(set(priorities)) == 1


def test_ambiguity_from_losses_alone_keeps_all_equal_while_loss_does_not():
    table = trained_table(steps=20, logits=False)
    assert set(Ambiguity().priorities(table)) == {1 / 40}
    assert len(set(LossEma().priorities(table))) > 30


def test_ambiguity_ranks_only_who_was_seen_with_logits_often_enough():
    table = HardnessTable(3)
    table.observations[:] = 5
    table.predictions[:] = 5, 1, 5
    table.label[:] = 0
    table.entropy_ema[:] = 0.2, 0.9, 0.4
    table.probability_sum[:], table.probability_square_sum[:] = 2.5, (2.0, 0.25, 1.5)
    scores = Ambiguity().score(table)
    assert np.isnan(scores[1])
    assert scores[[0, 2]].tolist() == [0.25 + 0.75, 0.75 + 0.25]


def test_a_mislabelled_example_is_less_ambiguous_than_a_hard_one():
    random, table = numpy_generator(0), HardnessTable(30)
    for step in range(12):
        statistics = np.zeros((8, 30), dtype=np.float32)
        statistics[1], statistics[2] = 0.1, random.uniform(0.9, 1.0, 30)
        statistics[1, :5], statistics[2, :5] = 0.8, random.uniform(0.1, 0.9, 5)
        statistics[0, 5:10], statistics[1, 5:10], statistics[2, 5:10] = 4.0, 0.15, 0.01
        table.update(np.arange(30), statistics, step)
    ambiguity, loss = Ambiguity().priorities(table), LossEma().priorities(table)
    assert ambiguity[:5].min() > ambiguity[5:10].max()
    assert loss[5:10].min() > loss[:5].max()


def test_one_class_of_high_entropy_does_not_take_all_priority():
    table = trained_table(size=60, steps=20)
    table.entropy_ema[table.label == 2] += 0.9
    by_class = [Ambiguity().score(table)[table.label == label].mean() for label in range(3)]
    assert by_class == pytest.approx([1.0] * 3, abs=1e-5)


def test_power_floor_and_warm_up_are_the_users():
    table = trained_table(steps=20)
    scores = np.maximum(table.loss_ema + 1e-6, 0)
    expected = 0.5 * scores**2 / (scores**2).sum() + 0.5 / table.size
    assert LossEma(power=2.0, floor=0.5).priorities(table) == pytest.approx(expected, rel=1e-4)
    patient = LossEma(min_observations=1000)
    assert set(patient.priorities(table)) == {1 / 40}
    assert LossEma().min_observations == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"power": 0.0}, "power must be above 0 and finite, got 0.0; 0.6 is the default"),
        ({"power": float("nan")}, "power must be above 0 and finite, got nan"),
        ({"floor": 1.5}, r"floor must be in \[0, 1\], got 1.5; 0.15 is the default"),
        ({"min_observations": -1}, "min_observations must be at least 0, got -1; 2 is the default"),
    ],
)
def test_values_outside_their_range_are_refused(arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        LossEma(**arguments)


def test_a_name_an_object_and_a_function_resolve():
    policy = Ambiguity(power=1.0)
    assert resolve_policy(policy) is policy
    assert {name: type(resolve_policy(name)) for name in POLICIES} == POLICIES
    assert sorted(POLICIES) == ["ambiguity", "entropy", "loss_ema", "margin", "uniform"]
    table = trained_table(steps=20)
    ours = resolve_policy(lambda table: table.forgetting)
    assert isinstance(ours, HardnessPolicy)
    expected = slow_priorities(table.forgetting.tolist(), table.observations, 2, 0.6, 0.15)
    assert ours.priorities(table) == pytest.approx(np.array(expected))


@pytest.mark.parametrize("policy", ["losss", 3, None, Ambiguity])
def test_what_stands_for_no_policy_is_refused(policy):
    with pytest.raises(ConfigError, match=r"policy must be one of \['ambiguity', .*\], a policy object or a"):
        resolve_policy(policy)


def test_a_function_that_returns_another_number_of_scores_is_refused():
    with pytest.raises(ConfigError, match=r"function must return one score for each of 3 examples, got shape \(2,\)"):
        resolve_policy(lambda table: np.ones(2)).priorities(HardnessTable(3))
