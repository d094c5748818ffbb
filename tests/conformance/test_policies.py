from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from genaug_data.hardness import (
    POLICIES,
    ClassBalanced,
    Combination,
    EnsembleDisagreement,
    FeatureNeighbours,
    HardnessPolicy,
    HardnessTable,
    LossEma,
    ReducibleLoss,
)
from genaug_data.seeding import numpy_generator
from genaug_data.testing import Violation, check_policy


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_ours_pass(name: str) -> None:
    check_policy(lambda: name)
    check_policy(lambda: POLICIES[name](power=2.0, floor=0.0, min_observations=1))


def test_a_function_of_the_table_passes() -> None:
    check_policy(lambda: lambda table: table.forgetting)


PER_EXAMPLE = numpy_generator(8).random((40, 6))
CLASSES = np.arange(40) % 4


def ensemble(rows: np.ndarray) -> HardnessPolicy:
    policy = EnsembleDisagreement(len(rows))
    predictions = PER_EXAMPLE.reshape(40, 2, 3).transpose(1, 0, 2)[:, rows]
    policy.update(predictions / predictions.sum(2, keepdims=True))
    return policy


def neighbours(rows: np.ndarray) -> HardnessPolicy:
    policy = FeatureNeighbours(neighbours=3)
    if len(rows) > 3:
        policy.update(PER_EXAMPLE[rows], CLASSES[rows])
    return policy


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: ReducibleLoss(PER_EXAMPLE[rows, 0]),
        lambda rows: EnsembleDisagreement(len(rows)),
        ensemble,
        neighbours,
        lambda rows: ClassBalanced(neighbours(rows)),
        lambda rows: Combination([(ensemble(rows), 1.0), (LossEma(), 2.0)]),
    ],
)
def test_ours_that_hold_something_for_each_example_pass(make: Callable[[np.ndarray], HardnessPolicy]) -> None:
    check_policy(make, bound=True)


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_ours_that_hold_other_policies_pass(name: str) -> None:
    check_policy(lambda: ClassBalanced(POLICIES[name](), beta=0.9))
    check_policy(lambda: Combination([(POLICIES[name](), 2.0), (LossEma(), 1.0)]))


class Faulty(HardnessPolicy):
    """Gives what a function of the table gives, without the template."""

    name = "faulty"

    def __init__(self, function: Callable[[HardnessTable], np.ndarray], least: object = 2) -> None:
        super().__init__()
        self.function, self.min_observations = function, least

    def score(self, table: HardnessTable) -> np.ndarray:
        return self.function(table)

    def priorities(self, table: HardnessTable) -> np.ndarray:
        return self.function(table)


def uniform(table: HardnessTable) -> np.ndarray:
    return np.full(table.size, 1 / table.size)


def edits(table: HardnessTable) -> np.ndarray:
    table.loss_ema[np.isnan(table.loss_ema)] = 0
    return uniform(table)


def by_place(table: HardnessTable) -> np.ndarray:
    weights = np.arange(1.0, table.size + 1)
    return weights / weights.sum()


def proportional(table: HardnessTable) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return table.observations / table.observations.sum(dtype=np.float64)


class Counts:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, table: HardnessTable) -> np.ndarray:
        self.calls += 1
        weights = 1.0 + (table.observations + self.calls) % 3
        return weights / weights.sum()


def reads_global(table: HardnessTable) -> np.ndarray:
    weights = 1.0 + (table.observations + int(np.random.get_state()[1][5] % 97)) % 5
    return weights / weights.sum()


FAULTY = {
    "least": (lambda: Faulty(uniform, 1.5), "min_observations is 1.5; give an integer"),
    "below": (lambda: Faulty(uniform, -1), "min_observations is -1; give an integer"),
    "edits": (lambda: Faulty(edits), r"priorities changed the column \['loss_ema'\] of a table without observations"),
    "list": (lambda: Faulty(lambda table: uniform(table).tolist()), "are a list; return a NumPy array"),
    "float32": (lambda: Faulty(lambda table: uniform(table).astype(np.float32)), "are float32 of shape"),
    "shape": (
        lambda: Faulty(lambda table: uniform(table)[1:]),
        r"of shape \(39,\); return float64 of shape \(40,",
    ),
    "NaN": (lambda: Faulty(proportional), "of a table without observations hold 40 values that are not finite"),
    "negative": (lambda: Faulty(lambda table: uniform(table) - (np.arange(table.size) == 0)), "go down to -0.975"),
    "sum": (lambda: Faulty(lambda table: 2 * uniform(table)), "sum to 2.0; divide by the sum"),
    "draws": (
        lambda: Faulty(lambda table: uniform(table) + 0 * np.random.rand()),
        "priorities changed the state of",
    ),
    "counts": (lambda: Faulty(Counts()), "the same table gave priorities that differ by"),
    "reads": (lambda: Faulty(reads_global), "the same table gave priorities that differ by"),
    "place": (lambda: Faulty(by_place), "permuting the examples changed priorities by"),
}


def test_a_policy_that_holds_something_by_place_alone_is_caught() -> None:
    with pytest.raises(Violation, match="permuting the examples changed priorities by"):
        check_policy(lambda rows: ReducibleLoss(PER_EXAMPLE[: len(rows), 0]), bound=True)


@pytest.mark.parametrize("name", FAULTY)
def test_a_violator_is_caught(name: str) -> None:
    make, sentence = FAULTY[name]
    with pytest.raises(Violation, match=sentence):
        check_policy(make)
