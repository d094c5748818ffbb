"""The trainer's end of the generation process: the child, the connection to it, and its certain end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from genaug_data.workers.reins import Reins, shared_memory

_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from genaug_data.workers.child import main
main(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
"""


class Spawned:
    """A child with an interpreter of its own, and the connection to it; killed when it is no longer referred to.

    Attributes:
        process: the child.
        connection: to it; carries orders there and events back.
        last_word: when it last said something, by the monotonic clock.
        hung_up: whether its end of the connection is closed.
        reins: shared with it.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, shared_memory() as memory:
            self.reins = Reins(memory.fileno())
            numbers = [str(theirs.fileno()), str(memory.fileno()), str(os.getpid())]
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), *numbers],
                stdin=subprocess.DEVNULL,
                # Idle threads that spin would take the cores from the trainer.
                env=os.environ | {"OMP_WAIT_POLICY": "passive"},
                pass_fds=[theirs.fileno(), memory.fileno()],
            )
        self.connection = Connection(ours.detach())
        self.last_word = time.monotonic()
        self.hung_up = False
        self._is_loaded = False
        self._end = weakref.finalize(self, _end, self.process, self.connection, os.getpid())

    def load(self, payload: bytes) -> None:
        """Send the pickled job, and wait until the child has read all but what the connection's buffer holds."""
        try:
            self.connection.send_bytes(payload)
            self._is_loaded = True
        except OSError:
            self.hung_up = True

    def ask_to_stop(self, grace: float) -> None:
        """Ask for an end and wait ``grace`` seconds for it; not at all while another thread still loads."""
        # It hears of this between two steps, and reads the message between two batches.
        self.reins.is_stopped = True
        if self._is_loaded:
            with suppress(OSError):
                self.connection.send(("stop", None))
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)

    def kill(self) -> None:
        """End the child and close the connection: idempotent."""
        self._end()


def _end(process: subprocess.Popen[Any], connection: Connection, owner: int) -> None:
    if os.getpid() != owner:
        # A forked copy of the trainer drops its copy of this: the child is not its own.
        return
    process.kill()
    process.wait()
    connection.close()
