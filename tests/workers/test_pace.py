"""The controller, against trainers that are slowed in a known way; no clock is read."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from genaug_data.workers.pace import Pace


class Trainer:
    """Whose steps take ``base * (1 + harm * duty)`` seconds, with noise.

    Args:
        pace: controls it.
        noise: standard deviation of a step, as a share of it.
    """

    def __init__(self, pace: Pace, noise: float = 0.1) -> None:
        self.pace, self.noise = pace, noise
        self.duty = pace.duty
        self.duties: list[float] = []
        self.slowdowns: list[float] = []
        self._random = random.Random(0)

    def train(
        self, steps: int, harm: float, base: float = 1.0, extra: Callable[[int], float] = lambda step: 0.0
    ) -> Trainer:
        """Take steps, some of which take so much longer for other reasons; keeps the duties and slowdowns of these."""
        self.duties, self.slowdowns = [], []
        for step in range(steps):
            seconds = base * (1 + harm * self.duty) * max(0.2, self._random.gauss(1, self.noise)) + extra(step)
            self.duties.append(self.duty)
            self.slowdowns.append(harm * self.duty)
            self.duty = self.pace.note(seconds, busy=self.duty * seconds)
        return self

    @property
    def slowdown(self) -> float:
        """By which share the steps were slowed, on average."""
        return sum(self.slowdowns) / len(self.slowdowns)

    @property
    def typical(self) -> float:
        """The median duty."""
        return sorted(self.duties)[len(self.duties) // 2]


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("harm", [0.2, 1.0, 2.0])
@pytest.mark.parametrize("slowdown", [0.05, 0.1, 0.3])
def test_training_is_slowed_by_what_it_may_be(slowdown: float, harm: float, noise: float) -> None:
    trainer = Trainer(Pace(slowdown), noise)
    trainer.train(1500, harm)
    trainer.train(4000, harm)
    most = min(slowdown, harm)
    # What noise costs is generation's, not training's.
    assert trainer.slowdown < (1.01 if noise < 0.3 else 1.2) * most
    assert trainer.slowdown > 0.6 * most


@pytest.mark.parametrize("harm", [0.0, 0.05])
def test_generation_that_does_no_harm_may_take_all_that_the_budget_allows(harm: float) -> None:
    assert Trainer(Pace(0.1)).train(1500, harm).duty == 1.0
    assert Trainer(Pace(0.1, limit=0.5)).train(1500, harm).duty == 0.5


def test_before_anything_is_known_generation_takes_what_is_right_in_the_worst_case() -> None:
    # Training that stands still for a tenth of the time between takes 11 instead of 10 seconds.
    assert Pace(0.1).duty == pytest.approx(1 / 11)
    assert Pace(10.0, limit=0.5).duty == 0.5


def test_generation_never_starves() -> None:
    trainer = Trainer(Pace(0.1)).train(3000, harm=1000.0)
    assert set(trainer.duties[1000:]) == {0.0, 0.02}
    assert Trainer(Pace(0.0)).train(3000, harm=0.5).typical == 0.02
    assert Trainer(Pace(0.1, limit=0.01)).train(3000, harm=1000.0).typical == 0.01


def test_it_recovers_when_the_load_goes_away_and_gives_way_when_it_comes() -> None:
    trainer = Trainer(Pace(0.1))
    assert trainer.train(2000, harm=3.0).typical < 0.05
    assert trainer.train(2000, harm=0.0).duty == 1.0
    came = trainer.train(400, harm=3.0)
    assert came.duty < 0.05


def test_steps_that_become_longer_for_other_reasons_are_not_blamed_on_generation() -> None:
    trainer = Trainer(Pace(0.1)).train(2000, harm=0.0)
    assert trainer.duty == 1.0
    trainer.train(2000, harm=0.0, base=3.0)
    assert trainer.train(500, harm=0.0, base=3.0).typical == 1.0
    trainer.train(1500, harm=0.0, base=0.5)
    assert trainer.train(500, harm=0.0, base=0.5).typical == 1.0


def test_evaluations_in_between_do_not_count() -> None:
    trainer = Trainer(Pace(0.1))
    trainer.train(2000, harm=1.0, extra=lambda step: 50.0 * (step % 40 == 0))
    trainer.train(4000, harm=1.0, extra=lambda step: 50.0 * (step % 40 == 0))
    assert 0.07 < trainer.slowdown < 0.12
    assert Trainer(Pace(0.1)).train(2000, harm=0.0, extra=lambda step: 50.0 * (step % 40 == 0)).typical == 1.0


def test_it_pauses_now_and_then_where_generation_never_rests_for_a_step() -> None:
    trainer = Trainer(Pace(0.1)).train(6000, harm=0.0)
    pauses = sum(before > 0 and duty == 0 for before, duty in zip(trainer.duties, trainer.duties[1:], strict=False))
    # More often until the duty has risen to its limit.
    assert 10 <= pauses <= 20
    assert trainer.duties.count(0.0) < 0.1 * len(trainer.duties)


def test_it_does_not_pause_where_generation_rests_anyway() -> None:
    pace = Pace(0.1)
    for _ in range(10):
        pace.note(1.0, busy=0.0)
    for step in range(5000):
        assert pace.note(1.1 if step % 20 == 0 else 1.0, busy=0.5 if step % 20 == 0 else 0.0) > 0
    # It costs a fifth of the seconds that it takes, so it may take close to half of them.
    assert pace.duty == pytest.approx(1 / 11 / 0.2, rel=0.01)


def test_what_is_felt_a_step_later_counts_as_well() -> None:
    pace = Pace(0.1)
    for step in range(5000):
        pace.note(1.5 if step % 20 == 1 else 1.0, busy=0.5 if step % 20 == 0 else 0.0)
    assert pace.duty == pytest.approx(1 / 11, rel=0.01)


def test_a_pause_waits_until_the_generator_heard_of_it() -> None:
    pace = Pace(0.1)
    # Nothing but busy steps: a generator that says nothing of its steps, in a long batch.
    told = [pace.note(1.0, busy=1.0) for _ in range(300)]
    assert set(told) == {0.0}
    told = [pace.note(1.0, busy=0.0) for _ in range(60)]
    assert told[0] == 0.0
    assert told[-1] > 0
