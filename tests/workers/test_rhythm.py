"""Work and rest by a clock that only goes on when somebody works or sleeps."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from genaug_data.workers.reins import Reins
from genaug_data.workers.rhythm import Rhythm, Stopped


class Clock:
    """Goes on when it is told to; what it is told at certain times happens then."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept = 0.0
        self.plans: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds
        for time, act in [plan for plan in self.plans if plan[0] <= self.now]:
            self.plans.remove((time, act))
            act()


@dataclass
class Stepping:
    between_steps: Callable[[], None] = field(default=lambda: None)


class Plain:
    pass


@dataclass(frozen=True)
class Frozen:
    between_steps: Callable[[], None] = field(default=lambda: None)


class WithSlots:
    __slots__ = ("between_steps",)

    def __init__(self) -> None:
        self.between_steps = len


def work_and_step(clock: Clock, rhythm: Rhythm, generator: Stepping) -> None:
    with rhythm.at_work(generator):
        clock.work(10.0)
        generator.between_steps()


def begin(duty: float, **arguments: object) -> tuple[Clock, Reins, Rhythm]:
    """Return a rhythm that has seen a first step."""
    clock = Clock()
    reins = Reins(clock=clock)
    reins.duty = 1.0
    rhythm = Rhythm(reins, clock=clock, sleep=clock.sleep, **{"rests_in_batch": True, **arguments})
    generator = Stepping()
    with rhythm.at_work(generator):
        generator.between_steps()
    reins.duty = duty
    return clock, reins, rhythm


def test_the_loading_of_a_model_before_the_first_step_of_all_is_work_that_is_not_rested_from() -> None:
    clock = Clock()
    reins, generator = Reins(clock=clock), Stepping()
    reins.duty = 0.1
    rhythm = Rhythm(reins, rests_in_batch=True, clock=clock, sleep=clock.sleep)
    with rhythm.at_work(generator):
        clock.work(60.0)
        generator.between_steps()
        assert clock.slept == 0.0
        clock.work(2.0)
        generator.between_steps()
    assert clock.slept == pytest.approx(18.0)
    assert rhythm.seconds == pytest.approx(62.0)


@pytest.mark.parametrize("duty", [1.0, 0.5, 0.1])
def test_each_step_is_rested_from_and_rests_are_no_work(duty: float) -> None:
    clock, reins, rhythm = begin(duty)
    generator = Stepping()
    with rhythm.at_work(generator):
        for step in range(1, 5):
            clock.work(2.0)
            generator.between_steps()
            assert clock.slept == pytest.approx(step * 2.0 * (1 / duty - 1))
            assert rhythm.seconds == pytest.approx(step * 2.0)
        clock.work(3.0)
    assert rhythm.seconds == reins.busy_seconds() == pytest.approx(11.0)
    # What came after the last step is left to whoever asked for the batch.
    assert rhythm.rest_left() == pytest.approx(3.0 * (1 / duty - 1))
    clock.work(3.0 * (1 / duty - 1) + 1e-6)
    assert rhythm.rest_left() == 0.0
    with rhythm.at_work(generator):
        clock.work(5.0)
    assert rhythm.seconds == pytest.approx(5.0)
    assert reins.busy_seconds() == pytest.approx(16.0)


def test_a_duty_that_changes_counts_at_once_also_in_a_rest() -> None:
    clock, reins, rhythm = begin(0.01)
    generator = Stepping()
    clock.plans.append((1012.0, lambda: setattr(reins, "duty", 0.5)))
    work_and_step(clock, rhythm, generator)
    assert clock.now == pytest.approx(1020.0)


def test_a_duty_of_nothing_pauses_until_there_is_one() -> None:
    clock, reins, rhythm = begin(0.0)
    generator = Stepping()
    assert rhythm.rest_left() == float("inf")
    clock.plans.append((5000.0, lambda: setattr(reins, "duty", 1.0)))
    work_and_step(clock, rhythm, generator)
    assert clock.now == pytest.approx(5000.0, abs=0.1)
    assert rhythm.seconds == pytest.approx(10.0)


def test_a_stop_ends_a_batch_at_the_next_step_and_a_rest_at_once() -> None:
    clock, reins, rhythm = begin(0.01)
    generator = Stepping()
    clock.plans.append((1012.0, lambda: setattr(reins, "is_stopped", True)))
    with pytest.raises(Stopped):
        work_and_step(clock, rhythm, generator)
    assert clock.now == pytest.approx(1012.0, abs=0.1)
    assert rhythm.seconds == pytest.approx(10.0)
    assert rhythm.rest_left() == 0.0
    with pytest.raises(Stopped):
        work_and_step(clock, rhythm, generator)
    assert reins.busy_seconds() == pytest.approx(20.0)


def test_no_handler_of_errors_can_mistake_a_stop_for_one() -> None:
    assert not issubclass(Stopped, Exception)


def test_rests_beat_and_end_when_nobody_listens_any_more() -> None:
    beats = []

    def beat() -> None:
        beats.append(1)
        if len(beats) > 100:
            raise BrokenPipeError

    clock, _, rhythm = begin(0.01, beat=beat)
    generator = Stepping()
    with pytest.raises(Stopped):
        work_and_step(clock, rhythm, generator)
    assert len(beats) == 101


def test_without_rests_in_a_batch_all_of_it_is_rested_from_behind() -> None:
    clock, reins, rhythm = begin(0.5, rests_in_batch=False)
    generator = Stepping()
    with rhythm.at_work(generator):
        for _ in range(3):
            clock.work(2.0)
            generator.between_steps()
    assert clock.slept == 0.0
    assert rhythm.rest_left() == pytest.approx(6.0)
    reins.is_stopped = True
    with pytest.raises(Stopped), rhythm.at_work(generator):
        generator.between_steps()


@pytest.mark.parametrize("fails", [False, True])
def test_the_hook_is_there_for_a_batch_only(fails: bool) -> None:
    _, _, rhythm = begin(1.0)
    own, slotted = Stepping(len), WithSlots()
    with_class_hook = type("Embedded", (), {"between_steps": staticmethod(len)})()
    for generator in (own, slotted, with_class_hook):
        try:
            with rhythm.at_work(generator):
                assert generator.between_steps is not len
                if fails:
                    raise ValueError("no variant")
        except ValueError:
            assert fails
        assert generator.between_steps is len
    assert vars(with_class_hook) == {}


@pytest.mark.parametrize("generator", [Plain(), Frozen(), None])
def test_a_generator_that_takes_no_hook_is_left_as_it_is(generator: object) -> None:
    clock, _, rhythm = begin(0.5)
    before = dict(vars(generator)) if generator else {}
    with rhythm.at_work(generator):
        clock.work(1.0)
    assert (dict(vars(generator)) if generator else {}) == before
    assert rhythm.seconds == 1.0


def test_whoever_calls_the_generator_meanwhile_neither_rests_nor_stops() -> None:
    clock, reins, rhythm = begin(0.01)
    generator = Stepping()
    raised = []

    def call() -> None:
        try:
            copy.deepcopy(generator).between_steps()
        except BaseException as error:
            raised.append(error)

    with rhythm.at_work(generator):
        clock.work(10.0)
        reins.is_stopped = True
        other = threading.Thread(target=call)
        other.start()
        other.join()
    assert raised == []
    assert clock.slept == 0.0
