"""The generation process: reads orders from a connection, works, writes events back, and ends with its parent."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle
import torch

from genaug_data.errors import brief
from genaug_data.orphans import end_with_parent
from genaug_data.workers.base import Broken, Cost, Event
from genaug_data.workers.errands import Errand
from genaug_data.workers.production import Production
from genaug_data.workers.reins import Reins
from genaug_data.workers.rhythm import NAP, Rhythm

NICENESS = 5
"""The trainer comes first where both run on the same processor cores."""


def main(descriptor: int, memory: int, parent: int) -> None:
    """Serve the process ``parent`` at the other end of ``descriptor`` until it says stop or is gone.

    Args:
        descriptor: of the connection.
        memory: descriptor of the reins, which the parent holds.
        parent: its process id.
    """
    # A batch scheduler or a Ctrl-C signals the whole group; the trainer decides when generation ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_parent(parent)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    connection = Connection(descriptor)
    try:
        _serve(connection, Reins(memory))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _serve(connection: Connection, reins: Reins) -> None:
    payload = connection.recv_bytes()
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    beat = _Beat(connection)
    rhythm = Rhythm(reins, beat, rests_in_batch=True)
    try:
        production = Production(cloudpickle.loads(payload), beat, rhythm)
    except Exception as error:
        connection.send(Broken(f"the generation process cannot unpickle its job: {brief(error)}"))
        return
    del payload
    outcome = production.setup()
    connection.send(outcome)
    if isinstance(outcome, Broken):
        return
    try:
        _Desk(production, connection, rhythm, beat).work()
    finally:
        production.close()


class _Desk:
    """Orders are read between two batches, and in the rests there, so that none waits for a long list of requests."""

    def __init__(self, production: Production, connection: Connection, rhythm: Rhythm, beat: _Beat) -> None:
        self._production = production
        self._connection = connection
        self._rhythm = rhythm
        self._beat = beat
        self._waiting: deque[Errand] = deque()
        self._running: Iterator[Event] | None = None

    def work(self) -> None:
        """Work until told to stop."""
        while self._read_orders():
            if self._running is None:
                self._running = self._production.run(*self._waiting.popleft())
            for event in self._running:
                self._connection.send(event)
                if isinstance(event, Cost):
                    break
            else:
                self._running = None

    def _read_orders(self) -> bool:
        """Return True when there is work and it is time for it, False when there will be none any more."""
        while not self._rhythm.reins.is_stopped:
            busy = self._running is not None or self._waiting
            rest = self._rhythm.rest_left() if busy else 0.0
            if self._connection.poll(min(rest, NAP) if busy else None):
                verb, argument = self._connection.recv()
                if verb == "stop":
                    return False
                self._take(verb, argument)
            elif not rest:
                return True
            if rest:
                self._beat()
        return False

    def _take(self, verb: str, argument: Any) -> None:
        if verb == "evict":
            for event in self._production.evict(argument):
                self._connection.send(event)
        elif verb == "learn":
            for event in self._production.learn(argument):
                self._connection.send(event)
        elif verb == "withdraw":
            self._production.withdraw(argument)
        else:
            self._waiting.append(argument)


class _Beat:
    """Tells the parent's watchdog that work goes on, at most five times a second."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._last > 0.2:
            self._last = now
            self._connection.send(None)
