"""How busy generation may be, so that training on the same device is slowed no more than it may be."""

from __future__ import annotations

from collections import deque
from statistics import median

WINDOW = 10
"""Steps whose mean is one measurement: noise evens out in it, and one interruption spoils one measurement."""
_KEPT_QUIET, _KEPT_BUSY = 5, 24
_PROBE = 3 * WINDOW
"""Quiet steps that a pause brings: more than half of the measurements of quiet steps that are kept."""
_STALE_BOUND, _STALE_FREE = 8 * WINDOW, 50 * WINDOW
"""Busy steps after which quiet ones are wanted: soon where they decide the duty, as the pace of a machine drifts."""
_ECHO = 2
"""Steps after the generator was busy that may still feel it: a GPU works off what was queued before."""
_FLOOR, _RISE, _FALL = 0.02, 0.02, 0.5


class Pace:
    """Finds the share of the time that the generator may be busy, its duty, from how long training steps take.

    What is measured is the harm: the time that training loses for each second in which the generator is busy. It
    hardly depends on the duty, and lies between 0 (separate devices) and about 1 (training stands still meanwhile).
    A duty ``d`` slows training by ``d harm / (1 - d harm)``. The duty goes up in small steps, and down at once, by
    half at most. Means are taken of windows of steps, and the median of those, so that an evaluation in between does
    not count. How long steps take without generation is learned where it rests anyway; if it does so too rarely, it is
    paused for some thirty steps: after every eighty where that decides the duty, now and then where it does not. Before
    anything is known, the duty is what is right for a harm of 1.

    Args:
        slowdown: share by which training may be slowed.
        limit: of the duty, in (0, 1].

    Example:
        >>> pace = Pace(slowdown=0.1)
        >>> duty = pace.duty
        >>> round(duty, 3)
        0.091
        >>> for step in range(800):  # the generator has a device of its own
        ...     duty = pace.note(seconds=1.0, busy=duty)
        >>> pace.duty
        1.0
    """

    def __init__(self, slowdown: float, limit: float = 1.0) -> None:
        self._limit = limit
        self._floor = min(_FLOOR, limit)
        # The product of duty and harm at which training is slowed by as much as it may be.
        self._bound = slowdown / (1 + slowdown)
        self.duty = max(min(self._bound, limit), self._floor)
        """Share of the time that the generator may be busy while it is not paused."""
        self._quiet: deque[float] = deque(maxlen=_KEPT_QUIET)
        self._harms: deque[float] = deque(maxlen=_KEPT_BUSY)
        self._quiet_window = _Window()
        self._busy_window = _Window()
        self._since_busy = _ECHO
        self._since_quiet = _STALE_FREE
        self._probing = 0

    def note(self, seconds: float, busy: float) -> float:
        """Take note of a training step and return the duty from now on; 0 is a pause.

        Args:
            seconds: that it took.
            busy: seconds of these in which the generator was busy.
        """
        if busy > 0:
            self._since_busy = 0
        else:
            self._since_busy += 1
        if self._since_busy > _ECHO:
            self._note_quiet(seconds)
        else:
            self._note_busy(seconds, busy)
        return 0.0 if self.is_pausing else self.duty

    @property
    def is_pausing(self) -> bool:
        """Whether generation is to pause, so that steps without it can be timed."""
        return self._probing > 0

    def _note_quiet(self, seconds: float) -> None:
        self._probing = max(self._probing - 1, 0)
        self._quiet_window.add(seconds, 0.0)
        if self._quiet_window.is_full:
            self._quiet.append(self._quiet_window.mean)
            self._quiet_window = _Window()
            self._since_quiet = 0

    def _note_busy(self, seconds: float, busy: float) -> None:
        self._since_quiet += 1
        stale = _STALE_BOUND if self.duty < self._limit else _STALE_FREE
        if self._since_quiet > stale and not self._probing:
            self._probing = _PROBE
        self._busy_window.add(seconds, busy)
        if self._busy_window.is_full:
            window, self._busy_window = self._busy_window, _Window()
            if self._quiet:
                self._harms.append(window.harm(median(self._quiet)))
                self._adjust(median(self._harms))

    def _adjust(self, harm: float) -> None:
        wanted = self._bound / harm if harm * self._limit > self._bound else self._limit
        wanted = max(wanted, self._floor)
        self.duty = min(wanted, self.duty + _RISE) if wanted > self.duty else max(wanted, self.duty * _FALL)


class _Window:
    """Some steps, and what they took together."""

    def __init__(self) -> None:
        self._steps = 0
        self._seconds = self._busy = 0.0

    def add(self, seconds: float, busy: float) -> None:
        self._steps += 1
        self._seconds += seconds
        self._busy += busy

    @property
    def is_full(self) -> bool:
        return self._steps >= WINDOW

    @property
    def mean(self) -> float:
        return self._seconds / self._steps

    def harm(self, quiet: float) -> float:
        """Return the seconds lost for each second of generation, if a step takes ``quiet`` seconds without."""
        return (self._seconds - self._steps * quiet) / self._busy
