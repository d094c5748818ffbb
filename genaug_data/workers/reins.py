"""What trainer and generator tell each other at any moment: how busy it may be, how busy it was, and when to stop."""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Callable
from typing import IO

_NUMBERS = 3
_SIZE = 8 * _NUMBERS
_DUTY, _STOPPED, _BUSY = range(_NUMBERS)


class Reins:
    """Three numbers, in memory that a trainer shares with its generation process where there is one.

    Neither side waits for the other, and no message queues up behind a long batch. Each number is written by one side
    alone and is read whole.

    Args:
        file: of :func:`shared_memory`, or its descriptor in the other process; None for memory of this process.
        clock: seconds that never go back, the same in both processes.

    Example:
        >>> reins = Reins()
        >>> reins.duty, reins.is_stopped, reins.busy_seconds()
        (1.0, False, 0.0)
    """

    def __init__(self, file: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        memory = bytearray(_SIZE) if file is None else mmap.mmap(file, _SIZE)
        self._numbers = memoryview(memory).cast("d")
        self._clock = clock
        if file is None:
            self.duty = 1.0

    @property
    def duty(self) -> float:
        """Share of the time that the generator may be busy, in [0, 1]; 0 lets it pause."""
        return self._numbers[_DUTY]

    @duty.setter
    def duty(self, duty: float) -> None:
        self._numbers[_DUTY] = duty

    @property
    def is_stopped(self) -> bool:
        """Whether the generator is to leave what it makes, within one step."""
        return self._numbers[_STOPPED] != 0

    @is_stopped.setter
    def is_stopped(self, is_stopped: bool) -> None:
        self._numbers[_STOPPED] = is_stopped

    def work_from(self, since: float, before: float) -> None:
        """Say that the generator is busy since ``since`` and was so for ``before`` seconds in all by then."""
        # One number for both, so that the other side never reads the one of now with the other of before.
        self._numbers[_BUSY] = since - before

    def rest_with(self, total: float) -> None:
        """Say that the generator is not busy and was so for ``total`` seconds in all."""
        self._numbers[_BUSY] = -total

    def busy_seconds(self) -> float:
        """Return for how many seconds the generator was busy, up to this moment."""
        told = self._numbers[_BUSY]
        return max(self._clock() - told, 0.0) if told > 0 else abs(told)


def shared_memory() -> IO[bytes]:
    """Return a nameless file for a new :class:`Reins`, which lives as long as somebody holds it or has it mapped."""
    # In memory where the system knows such files: a full disk must not keep generation from starting.
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("genaug_data"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # whoever asks for it closes it
    # Written rather than reserved, so that no page is missing later.
    file.write(bytes(_SIZE))
    file.flush()
    return file
