"""The generation process: reads orders from a connection, works, writes events back, and ends with its parent."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection

import cloudpickle
import torch

from genaug_data.errors import brief
from genaug_data.workers.base import Broken, Cost, Event
from genaug_data.workers.budget import Budget
from genaug_data.workers.errands import Errand
from genaug_data.workers.production import Production

NICENESS = 5
"""The trainer comes first where both run on the same processor cores."""


def main(descriptor: int, parent: int) -> None:
    """Serve the process ``parent`` at the other end of ``descriptor`` until it says stop or is gone."""
    # A batch scheduler or a Ctrl-C signals the whole group; the trainer decides when generation ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    connection = Connection(descriptor)
    try:
        _serve(connection)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _end_with_parent(parent: int) -> None:
    # The parent says who it is: it may be gone before this process has imported what it needs to ask.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def _serve(connection: Connection) -> None:
    budget = cloudpickle.loads(connection.recv_bytes())
    payload = connection.recv_bytes()
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    beat = _Beat(connection)
    try:
        production = Production(cloudpickle.loads(payload), beat)
    except Exception as error:
        connection.send(Broken(f"the generation process cannot unpickle its job: {brief(error)}"))
        return
    del payload
    outcome = production.setup()
    connection.send(outcome)
    if isinstance(outcome, Broken):
        return
    try:
        _work(production, connection, budget, beat)
    finally:
        production.close()


def _work(production: Production, connection: Connection, budget: Budget, beat: _Beat) -> None:
    waiting: deque[Errand] = deque()
    running: Iterator[Event] | None = None
    while True:
        idle = running is None and not waiting
        # Between two batches the child listens, so that a stop or a withdrawal never waits for a long list of requests.
        while connection.poll(None if idle else 0):
            verb, argument = connection.recv()
            if verb == "stop":
                return
            if verb == "evict":
                for event in production.evict(argument):
                    connection.send(event)
            elif verb == "withdraw":
                production.withdraw(argument)
            else:
                waiting.append(argument)
                idle = False
        if running is None and waiting:
            running = production.run(*waiting.popleft())
        for event in running or ():
            connection.send(event)
            if isinstance(event, Cost):
                _rest(budget.rest(event.seconds), beat)
                break
        else:
            running = None


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


def _rest(seconds: float, beat: _Beat) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        beat()
        time.sleep(min(left, 0.25))
