import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import ConfigError
from genaug_data.hardness import POLICIES, HardnessPolicy, HardnessTable, resolve_policy
from genaug_data.hardness.ambiguity import Ambiguity
from genaug_data.hardness.forgetting import Forgetting
from genaug_data.hardness.latecomer import Latecomer
from genaug_data.hardness.loss_ema import LossEma
from genaug_data.hardness.loss_rank import LossRank
from genaug_data.hardness.loss_trend import LossTrend
from genaug_data.hardness.slow_learned import SlowLearned
from genaug_data.seeding import numpy_generator
from tests.hardness.slow import SCORES, known

FLOATS = (
    "loss_ema",
    "loss_slow_ema",
    "entropy_ema",
    "margin_ema",
    "error_norm_ema",
    "probability_sum",
    "probability_square_sum",
    "aum_sum",
    "early_probability_sum",
    "lead_sum",
    "late_lead",
)
INTEGERS = ("predictions", "forgetting", "last_correct", "observations", "last_seen", "label")


def trained_table(size=40, steps=8, seed=0, logits=True):
    random, table = numpy_generator(seed), HardnessTable(size)
    labels = random.integers(0, 3, size)
    for step in range(steps):
        index = random.permutation(size)[: size // 2]
        statistics = random.random((9, len(index))).astype(np.float32)
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


LEAST = {"uniform": 0, "slow_learned": 5}
POWER = {"loss_rank": 0.7}
OF_LOSSES = {"loss_ema", "loss_rank", "loss_trend"}


def slow_scores(name, table):
    seen = set(known(table, 0 if name == "uniform" else 2))
    return [SCORES[name](table, i) if i in seen else 0.0 for i in range(table.size)]


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("steps", [3, 12, 30])
def test_priorities_equal_the_slow_loop(name, steps):
    table = trained_table(steps=steps)
    assert ((table.observations < 2).any(), (table.observations >= 2).any()) == (steps == 3, True)
    policy = resolve_policy(name)
    assert policy.min_observations == LEAST.get(name, 2)
    power = POWER.get(name, 0.6)
    expected = slow_priorities(slow_scores(name, table), table.observations, LEAST.get(name, 2), power, 0.15)
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
    for name in (
        "latecomer",
        "ambiguity",
        "loss_ema",
        "loss_rank",
        "entropy",
        "margin",
        "el2n",
        "aum",
        "confidence",
        "variability",
    ):
        priorities = resolve_policy(name).priorities(table)
        assert priorities[rarely] == pytest.approx(0.15 / table.size)
        assert (priorities[~rarely] > 0.15 / table.size).all()


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_all_are_equal_before_anything_is_known(name):
    table = HardnessTable(5)
    assert resolve_policy(name).priorities(table) == pytest.approx(0.2)
    table.update(np.array([1]), np.ones((9, 1), dtype=np.float32), 0)
    priorities = resolve_policy(name).priorities(table)
    assert priorities == pytest.approx(0.2)
    assert len(set(priorities)) == 1


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_losses_alone_keep_all_equal_except_for_policies_of_the_loss(name):
    table = trained_table(steps=20, logits=False)
    different = len(set(resolve_policy(name).priorities(table)))
    assert different > 30 if name in OF_LOSSES else different == 1


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
        statistics = np.zeros((9, 30), dtype=np.float32)
        statistics[1], statistics[2] = 0.1, random.uniform(0.9, 1.0, 30)
        statistics[1, :5], statistics[2, :5] = 0.8, random.uniform(0.1, 0.9, 5)
        statistics[0, 5:10], statistics[1, 5:10], statistics[2, 5:10] = 4.0, 0.15, 0.01
        table.update(np.arange(30), statistics, step)
    ambiguity, loss = Ambiguity().priorities(table), LossEma().priorities(table)
    assert ambiguity[:5].min() > ambiguity[5:10].max()
    assert loss[5:10].min() > loss[:5].max()


def test_who_catches_up_is_harder_than_who_leads_and_who_stays_behind():
    table = HardnessTable(4)
    for step in range(12):
        statistics = np.zeros((9, 4), dtype=np.float32)
        behind, catching_up, leading = -0.8, -0.5 + step / 11, 0.9
        statistics[8] = behind, catching_up, leading, -catching_up
        table.update(np.arange(4), statistics, step)
    scores = Latecomer().score(table)
    assert scores.argmax() == 1
    assert scores[1] == pytest.approx(1.0, abs=1e-5)
    assert scores[[0, 2]] == pytest.approx([1.8 * 0.2, 0.1], abs=1e-5)
    # The same leads in the opposite order: it was ahead and fell behind.
    assert 0.5 < scores[3] < 0.9


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
    assert sorted(POLICIES) == sorted(SCORES)
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


def test_the_first_ranks_stay_apart_among_a_hundred_thousand():
    table = HardnessTable(100_000)
    table.observations[:], table.loss_ema[:] = 2, np.arange(100_000)
    scores = LossRank().score(table)
    assert scores[:-6:-1] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5], rel=1e-5)
    assert scores[0] == pytest.approx(1e-5, rel=1e-5)


def test_a_loss_that_goes_down_is_less_hard_than_one_that_stays():
    table = HardnessTable(2)
    for step in range(12):
        statistics = np.full((9, 2), np.nan, dtype=np.float32)
        statistics[0] = 4.0 - 0.25 * step, 1.5
        table.update(np.arange(2), statistics, step)
    falling, steady = LossTrend().score(table)
    assert table.loss_ema[0] > table.loss_ema[1]
    assert falling < steady


def test_what_was_learnt_and_forgotten_is_less_hard_than_what_was_never_learnt():
    table = HardnessTable(4)
    history = [[0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0], [0] * 6, [0, 0, 1, 1, 1, 1]]
    for step in range(6):
        statistics = np.zeros((9, 4), dtype=np.float32)
        statistics[5] = [run[step] for run in history]
        table.update(np.arange(4), statistics, step)
    assert Forgetting().score(table).tolist() == [2, 3, 4, 0]


def test_what_was_learnt_late_stays_the_target_when_all_is_learnt():
    table = HardnessTable(10)
    for step in range(20):
        statistics = np.zeros((9, 10), dtype=np.float32)
        statistics[2] = 0.95
        statistics[2, :3] = min(0.95, 0.1 + 0.05 * step)
        table.update(np.arange(10), statistics, step)
    assert SlowLearned().score(table).tolist() == [1.0] * 3 + [0.0] * 7
