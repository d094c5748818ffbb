from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.accuracy.digits import split
from benchmarks.accuracy.problem import Problem
from benchmarks.accuracy.wrapped import Outcome, WrappedArm, train_wrapped
from genaug_data.demo.digits import load_digits_split
from genaug_data.demo.training import small_network
from genaug_data.hardness import HardnessTable
from genaug_data.hardness.noise import NoisePolicy
from tests.toys import Noisy


class NoTwins(NoisePolicy):
    """Doubts every second example, and notes how often it was asked."""

    name = "no_twins"
    asked = 0

    def score(self, table: HardnessTable) -> np.ndarray:
        self.asked += 1
        return np.ones(table.size)

    def decide(self, table: HardnessTable, score: np.ndarray) -> np.ndarray:
        return np.arange(table.size) % 2 == 0


def test_an_arm_makes_what_it_may_and_is_a_function_of_its_seed(tmp_path: Path) -> None:
    train, test = load_digits_split(5)
    arm, noise = WrappedArm("a", ratio=0.5, policy="uniform"), NoTwins()

    def run(name: str, images: int | None = None, noise: NoisePolicy | None = None) -> Outcome:
        return train_wrapped(
            arm,
            train,
            test,
            Noisy(),
            tmp_path / name,
            network=small_network,
            seed=0,
            epochs=20,
            images=images,
            noise=noise,
        )

    free, again, few, doubting = run("a"), run("b"), run("c", images=7), run("d", noise=noise)
    assert free[:2] == again[:2]
    assert free.images > 7 >= few.images > 0
    assert noise.asked
    assert doubting.images < free.images
    assert 0 <= free.accuracy <= 100


def test_arms_are_run_in_order_and_those_that_are_known_are_not_run_again() -> None:
    arms = (WrappedArm("first", ratio=0.5), WrappedArm("half", ratio=0.5, images=0.5, of="first"))
    problem = Problem("a", "a", partial(split, 2, 0.0), arms, "first", small_network, steps=4, fit_steps=2)
    known = {"first": Outcome(50.0, 10, 1.0)}
    found = list(problem.run(0, known))
    assert [name for name, _ in found] == ["half"]
    assert found[0][1].images <= 5
    assert known["half"] == found[0][1]
