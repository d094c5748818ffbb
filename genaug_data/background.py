"""A thread that does one piece of work again and again, and ends when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable

_TICK = 0.05
_AFTER_FAILURE = 1.0


class Background:
    """Calls ``work`` at each :meth:`wake`, and at least every 50 ms, in a daemon thread of its own.

    Args:
        work: returns whether it went well; after a failure the next call comes a second later.

    Example:
        >>> done = threading.Event()
        >>> background = Background(lambda: done.set() or True)
        >>> background.start()
        >>> done.wait(5)
        True
        >>> background.stop()
        >>> background.join(5)
    """

    def __init__(self, work: Callable[[], bool]) -> None:
        self._work = work
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, also anew after :meth:`stop` and :meth:`join`."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="genaug-loop", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Let the next call come at once."""
        self._woken.set()

    def stop(self) -> None:
        """Let the call that is under way, if any, be the last: idempotent."""
        self._stopped.set()
        self._woken.set()

    def join(self, seconds: float) -> None:
        """Wait for the end, ``seconds`` at most; not at all in the thread itself."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(_TICK)
            self._woken.clear()
            if not self._work():
                self._stopped.wait(_AFTER_FAILURE)
