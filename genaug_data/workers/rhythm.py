"""Work and rest in turn, so that generation takes no more than its share of the time, and stops when it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from genaug_data.workers.reins import Reins

NAP = 0.05
"""Seconds after which a rest looks at the reins again."""


class Stopped(BaseException):
    """Ends a batch because the worker was told to stop, or the trainer is gone: no error, and nobody's to handle."""


class Rhythm:
    """Keeps the duty of the reins while batches are made, also between two denoising steps of one batch.

    A generator with an attribute ``between_steps`` calls it there. On a GPU, generation in a process of its own has a
    CUDA context of its own: no priority of a stream orders its kernels behind those of the trainer, and the default
    stream has the lowest priority anyway. What keeps the device free for training are the rests.

    Args:
        reins: say the duty, and are told how busy the generator is.
        beat: called between two steps and in rests, so that a watchdog knows that this lives.
        rests_in_batch: whether steps of one batch are rested from one by one; False leaves it to whoever asks for
            :attr:`rest_left` after a batch.
        clock: seconds that never go back.
        sleep: waits for so many seconds.

    Example:
        >>> reins = Reins()
        >>> reins.duty = 0.25
        >>> time_is = iter([10.0, 12.0, 12.0])
        >>> rhythm = Rhythm(reins, clock=lambda: next(time_is))
        >>> with rhythm.at_work(generator=None):
        ...     pass
        >>> rhythm.seconds, rhythm.rest_left()
        (2.0, 6.0)
    """

    def __init__(
        self,
        reins: Reins | None = None,
        beat: Callable[[], None] = lambda: None,
        *,
        rests_in_batch: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.reins = Reins() if reins is None else reins
        self._beat = beat
        self._rests_in_batch = rests_in_batch
        self._clock = clock
        self._sleep = sleep
        self._total = self._before = 0.0
        self._working_since: float | None = None
        self._resting_since = self._to_rest_from = 0.0
        self._has_stepped = False

    @property
    def seconds(self) -> float:
        """For how many seconds the generator is busy with this batch, or was with the last; rests do not count."""
        running = 0.0 if self._working_since is None else self._clock() - self._working_since
        return self._total - self._before + running

    @contextmanager
    def at_work(self, generator: Any) -> Iterator[None]:
        """Count the time in a ``with`` block as work on a batch of ``generator``, and hear of its steps meanwhile.

        Raises:
            Stopped: the worker was told to stop, or the trainer is gone; between two steps of the generator.
        """
        device, thread = getattr(generator, "device", None), threading.get_ident()

        # A plain function, which a deep copy of the generator can hold.
        def between_steps() -> None:
            # The generator of an inline worker is the user's, who may call it meanwhile.
            if threading.get_ident() == thread:
                self._between_steps(device)

        self._before = self._total
        self._work()
        try:
            with _hooked(generator, between_steps):
                yield
        finally:
            self._pause()

    def rest_left(self) -> float:
        """Return for how many more seconds to rest from what was done last; infinite while the duty is 0."""
        duty = self.reins.duty
        if self.reins.is_stopped:
            return 0.0
        if not duty > 0:
            return float("inf")
        return max(rest_for(self._to_rest_from, duty) - (self._clock() - self._resting_since), 0.0)

    def _between_steps(self, device: Any) -> None:
        if self._rests_in_batch:
            if self.reins.duty < 1 and isinstance(device, str | torch.device) and torch.device(device).type == "cuda":
                # What is only queued would otherwise run in the rest.
                torch.cuda.synchronize(device)
            self._pause()
            if not self._has_stepped:
                # What comes before the first step of all is the loading of a model: minutes of rest for it, before
                # there is a single variant, would help nobody.
                self._to_rest_from, self._has_stepped = 0.0, True
            self._tell()
            while left := self.rest_left():
                self._sleep(min(left, NAP))
                self._tell()
            self._work()
        if self.reins.is_stopped:
            raise Stopped

    def _tell(self) -> None:
        try:
            self._beat()
        except OSError:
            # Nobody listens any more.
            raise Stopped from None

    def _work(self) -> None:
        self._working_since, self._to_rest_from = self._clock(), 0.0
        self.reins.work_from(self._working_since, self._total)

    def _pause(self) -> None:
        now = self._clock()
        # Stopped in a rest, it is not at work here.
        worked = 0.0 if self._working_since is None else now - self._working_since
        self._working_since, self._resting_since = None, now
        self._total += worked
        self._to_rest_from += worked
        self.reins.rest_with(self._total)


def rest_for(seconds: float, duty: float) -> float:
    """Return the seconds of rest that belong to ``seconds`` of work.

    Example:
        >>> rest_for(1.0, duty=0.25)
        3.0
    """
    return seconds * (1 / duty - 1)


@contextmanager
def _hooked(generator: Any, hook: Callable[[], None]) -> Iterator[None]:
    """Set ``between_steps`` of a generator that has it, for a while."""
    before = getattr(generator, "between_steps", None)
    own = getattr(generator, "__dict__", {})
    was_own = "between_steps" in own
    try:
        if before is not None:
            generator.between_steps = hook
    except AttributeError:
        # It cannot be set: such a generator makes a batch in one piece, as those without do.
        before = None
    try:
        yield
    finally:
        if "between_steps" in own and not was_own:
            del generator.between_steps
        elif before is not None:
            generator.between_steps = before
