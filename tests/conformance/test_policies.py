from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from genaug_data.hardness import POLICIES, HardnessPolicy, HardnessTable
from genaug_data.testing import Violation, check_policy


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_ours_pass(name: str) -> None:
    check_policy(lambda: name)
    check_policy(lambda: POLICIES[name](power=2.0, floor=0.0, min_observations=1))


def test_a_function_of_the_table_passes() -> None:
    check_policy(lambda: lambda table: table.forgetting)


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


@pytest.mark.parametrize("name", FAULTY)
def test_a_violator_is_caught(name: str) -> None:
    make, sentence = FAULTY[name]
    with pytest.raises(Violation, match=sentence):
        check_policy(make)
