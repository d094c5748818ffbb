"""How long training steps take, and what the generator's duty becomes of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from genaug_data.workers import Budget, Worker
from genaug_data.workers.pace import Pace

_MOST = 10_000
_STANDSTILL_SECONDS, _STANDSTILL_STEPS = 1.0, 5.0
"""Without a step for so long, a pause ends: nobody measures anything then, and variants may be waited for."""


class Pacing:
    """Times the steps of the training loop, and hands the worker the duty that follows from them.

    Until the first step is observed, and while a warm-up runs, there is no training to slow down: the duty is that of
    the budget.

    Args:
        worker: is given the duty, and says how busy it was.
        budget: says how far training may be slowed.
        clock: seconds that never go back.
    """

    def __init__(self, worker: Worker, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        self._worker = worker
        self._limit = self._given = budget.duty
        self._pace = None if budget.slowdown is None else Pace(budget.slowdown, budget.duty)
        self._clock = clock
        self._last: tuple[float, float | None] | None = None
        self._steps: deque[tuple[float, float]] = deque(maxlen=_MOST)
        self._length = 0.0

    @property
    def duty(self) -> float:
        """Share of the time that the generator may be busy now."""
        return self._given

    def step(self) -> None:
        """Take note, on the training thread, that a step is at this point: some microseconds, and no waiting."""
        if self._pace is None:
            return
        now, busy = self._clock(), self._worker.busy_seconds()
        last, self._last = self._last, (now, busy)
        if last is None or busy is None or last[1] is None:
            # The steps of a generator's set-up say nothing of those with variants or without.
            return
        # A child that was started again counts anew.
        self._steps.append((now - last[0], max(busy - last[1], 0.0)))

    def begin_pass(self) -> None:
        """Let the time since the last step not be one: a pass over the data begins, often after an evaluation."""
        if self._last is not None:
            self._last = (self._clock(), None)

    def warm_up(self) -> None:
        """Give the worker all that the budget allows until the next step: whoever warms up waits for it."""
        self._last = None
        self._steps.clear()
        self._give(self._limit)

    def update(self) -> None:
        """Work out the duty of the steps that were taken since the last call, and hand it to the worker."""
        last = self._last
        if self._pace is None or last is None:
            return
        while self._steps:
            self._length, busy = self._steps.popleft()
            self._pace.note(self._length, busy)
        silence = self._clock() - last[0]
        stands_still = silence > max(_STANDSTILL_SECONDS, _STANDSTILL_STEPS * self._length)
        self._give(0.0 if self._pace.is_pausing and not stands_still else self._pace.duty)

    def _give(self, duty: float) -> None:
        if duty != self._given:
            self._given = duty
            self._worker.set_duty(duty)
