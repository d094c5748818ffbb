import math
import multiprocessing
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import ConfigError, DataError
from genaug_data.hardness import HardnessTable
from genaug_data.seeding import numpy_generator

NAMES = (
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
    "predictions",
    "forgetting",
    "last_correct",
    "observations",
    "last_seen",
    "label",
)
MINUS_ONE = ("last_seen", "last_correct", "label")


class SlowTable:
    """One dictionary an example, one row at a time, in double precision."""

    def __init__(self, size):
        self.rows = [
            {
                name: math.nan if name.endswith("ema") else -1 if name.startswith("las") or name == "label" else 0
                for name in NAMES
            }
            for _ in range(size)
        ]
        self.nan = self.out_of_range = 0

    def update(self, index, statistics, step):
        for place, values in zip(index.tolist(), statistics.T.tolist(), strict=True):
            loss, entropy, probability, margin, aum, correct, label, error, lead = values
            if not 0 <= place < len(self.rows):
                self.out_of_range += 1
            elif not math.isfinite(loss):
                self.nan += 1
            else:
                row = self.rows[place]
                self.average(row, "loss_ema", loss)
                self.average(row, "loss_slow_ema", loss, 0.1)
                row["observations"] += 1
                row["last_seen"] = step
                if all(map(math.isfinite, values)):
                    self.average(row, "entropy_ema", entropy)
                    self.average(row, "margin_ema", margin)
                    self.average(row, "error_norm_ema", error)
                    if row["predictions"] < 5:
                        row["early_probability_sum"] += probability
                    row["probability_sum"] += probability
                    row["probability_square_sum"] += probability**2
                    row["aum_sum"] += aum
                    row["lead_sum"] += lead
                    row["leads"] = [*row.get("leads", []), lead]
                    cubes = [number**3 for number in range(1, len(row["leads"]) + 1)]
                    row["late_lead"] = sum(c * v for c, v in zip(cubes, row["leads"], strict=True)) / sum(cubes)
                    row["predictions"] += 1
                    row["forgetting"] += row["last_correct"] == 1 and correct <= 0.5
                    row["last_correct"] = int(correct > 0.5)
                    row["label"] = int(label)

    @staticmethod
    def average(row, name, value, newest=0.3):
        row[name] = value if math.isnan(row[name]) else (1 - newest) * row[name] + newest * value


def feedback(random, rows, low, high, broken):
    statistics = random.random((9, rows)).astype(np.float32)
    statistics[4] = random.normal(size=rows)
    statistics[5] = random.integers(0, 2, rows)
    statistics[6] = random.integers(0, 1000, rows)
    for value in (np.nan, np.inf, -np.inf):
        statistics[:, random.random(rows) < broken / 6] = value
        statistics[0, random.random(rows) < broken / 6] = value
        statistics[1:, random.random(rows) < broken / 3] = value
        statistics[4, random.random(rows) < broken / 6] = value
    return random.integers(low, high, rows), statistics


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([(0, 50), (0, 4), (-2, 60), (-5, 100)]),
    st.sampled_from([0.0, 0.5]),
    st.booleans(),
)
def test_updates_equal_one_row_at_a_time(seed, index_range, broken, tensors):
    random, table, slow = numpy_generator(seed), HardnessTable(50), SlowTable(50)
    nan = out_of_range = 0
    for step in range(6):
        index, statistics = feedback(random, int(random.integers(0, 20)), *index_range, broken)
        before = index.copy(), statistics.copy()
        given_ = (torch.from_numpy(index), torch.from_numpy(statistics)) if tensors else (index, statistics)
        ignored = table.update(*given_, step)
        nan, out_of_range = nan + ignored.nan, out_of_range + ignored.out_of_range
        slow.update(*before, step)
        assert np.array_equal(index, before[0])
        assert np.array_equal(statistics, before[1], equal_nan=True)
    assert (nan, out_of_range) == (slow.nan, slow.out_of_range)
    for name in NAMES:
        expected = [row[name] for row in slow.rows]
        assert getattr(table, name).tolist() == pytest.approx(expected, rel=1e-5, abs=1e-5, nan_ok=True), name


def test_derived_statistics_equal_those_of_the_whole_history():
    random, table = numpy_generator(1), HardnessTable(4)
    probabilities, aums = random.random((9, 3)).astype(np.float32), random.normal(size=(9, 3)).astype(np.float32)
    for step in range(9):
        statistics = np.ones((9, 3), dtype=np.float32)
        statistics[2], statistics[4], statistics[8] = probabilities[step], aums[step], -probabilities[step]
        table.update(np.arange(3), statistics, step)
    assert table.confidence()[:3] == pytest.approx(probabilities.mean(0), abs=1e-6)
    assert table.variability()[:3] == pytest.approx(probabilities.std(0), abs=1e-6)
    assert table.aum()[:3] == pytest.approx(aums.mean(0), abs=1e-6)
    assert table.lead()[:3] == pytest.approx(-probabilities.mean(0), abs=1e-6)
    assert table.early_confidence()[:3] == pytest.approx(probabilities[:5].mean(0), abs=1e-6)
    unseen = [
        table.confidence()[3],
        table.variability()[3],
        table.aum()[3],
        table.early_confidence()[3],
        table.lead()[3],
    ]
    assert np.isnan(unseen).all()


def test_early_confidence_is_the_mean_of_what_there_is_so_far():
    table = HardnessTable(1)
    for step, probability in enumerate([0.2, 0.4, 0.9]):
        statistics = np.ones((9, 1), dtype=np.float32)
        statistics[2] = probability
        table.update(np.zeros(1, dtype=np.int64), statistics, step)
    assert table.early_confidence() == pytest.approx([0.5])


def test_equal_probabilities_have_next_to_no_variability():
    table = HardnessTable(1)
    statistics = np.full((9, 1), 0.3, dtype=np.float32)
    for step in range(50):
        table.update(np.zeros(1, dtype=np.int64), statistics, step)
    assert 0 <= table.variability()[0] < 1e-3


def test_forgetting_counts_from_right_to_wrong():
    table = HardnessTable(1)
    for step, correct in enumerate([0, 1, 1, 0, 0, 1, 0]):
        statistics = np.zeros((9, 1), dtype=np.float32)
        statistics[5] = correct
        table.update(np.zeros(1, dtype=np.int64), statistics, step)
    assert table.forgetting.tolist() == [2]
    assert table.last_correct.tolist() == [0]


def test_the_columns_are_one_block_of_the_size_that_is_said():
    table = HardnessTable(7)
    assert {getattr(table, name).dtype.itemsize for name in NAMES} == {4}
    assert table.bytes_per_example == 4 * len(NAMES)
    starts = sorted(getattr(table, name).ctypes.data for name in NAMES)
    assert np.diff(starts).tolist() == [28] * (len(NAMES) - 1)


def _update_in_child(table):
    table.update(np.array([2]), np.full((9, 1), 3.0, dtype=np.float32), 11)


def test_a_forked_child_writes_to_the_same_memory():
    table = HardnessTable(4)
    child = multiprocessing.get_context("fork").Process(target=_update_in_child, args=(table,))
    with warnings.catch_warnings():
        # Other tests may have left threads behind; the child touches nothing of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    child.join()
    assert child.exitcode == 0
    assert table.loss_ema[2] == 3.0
    assert table.last_seen.tolist() == [-1, -1, 11, -1]


def test_pickling_copies():
    table = HardnessTable(3)
    _update_in_child(table)
    copy = pickle.loads(pickle.dumps(table))
    assert copy.last_seen.tolist() == [-1, -1, 11]
    copy.update(np.array([0]), np.ones((9, 1), dtype=np.float32), 12)
    assert table.last_seen[0] == -1


def test_a_state_comes_back_and_is_a_copy():
    random, table = numpy_generator(3), HardnessTable(20)
    for step in range(4):
        table.update(*feedback(random, 10, 0, 20, 0.2), step)
    state = table.state_dict()
    other = HardnessTable(20)
    other.load_state_dict(state)
    for name in NAMES:
        assert np.array_equal(getattr(other, name), getattr(table, name), equal_nan=True)
    table.observations[:] = 99
    assert state["observations"].max() < 99
    index, statistics = feedback(random, 10, 0, 20, 0.0)
    other.update(index, statistics, 5)
    assert other.observations.sum() == state["observations"].sum() + 10


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing():
    table, state = HardnessTable(3), HardnessTable(4).state_dict()
    with pytest.raises(DataError, match=r"must have shape \(3,\), got \(4,\); load a state of the same dataset"):
        table.load_state_dict(state)
    state = HardnessTable(3).state_dict()
    state["observations"][:] = 5
    del state["label"]
    with pytest.raises(DataError, match=r"column label must have shape \(3,\), got none; load a state"):
        table.load_state_dict(state)
    assert table.observations.tolist() == [0, 0, 0]


def test_a_table_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="size must be at least 1, got 0; pass the number of real examples"):
        HardnessTable(0)
