"""One of the processes of a fit: receives the fit, joins the others, and says what came of it."""

from __future__ import annotations

import pickle
import signal
import time
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle
import torch

from genaug_data import errors
from genaug_data.errors import GenaugError, GenaugWarning, brief
from genaug_data.generators.accelerator import Precision, joined_accelerator
from genaug_data.orphans import end_with_parent


@dataclass(frozen=True)
class Place:
    """Where a process of a fit stands.

    Args:
        rank: its number, from 0.
        ranks: how many there are.
        device: its own.
        mixed_precision: of its accelerator.
        meeting: path at which they find each other.
        threads: of the CPU that it may keep busy.
    """

    rank: int
    ranks: int
    device: str
    mixed_precision: Precision
    meeting: str
    threads: int


def main(place: dict[str, Any], descriptor: int, parent: int) -> None:
    """Take part in a fit, and wait to be killed: an end of its own would look like that of one that died.

    Args:
        place: fields of a :class:`Place`.
        descriptor: of the connection to the parent.
        parent: its process id.
    """
    # A Ctrl-C signals the whole group; the parent decides when a fit ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_parent(parent)
    voice = _Voice(Connection(descriptor))
    try:
        _take_part(Place(**place), voice)
        voice.wait()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _take_part(place: Place, voice: _Voice) -> None:
    torch.set_num_threads(place.threads)
    payload = voice.hear()
    voice.beat()
    try:
        fit = cloudpickle.loads(payload)
        del payload
    except Exception as error:
        voice.say("failed", f"it cannot unpickle the training set, the prompts or the model: {brief(error)}")
        return
    try:
        with warnings.catch_warnings():
            _tell_warnings(voice if place.rank == 0 else None)
            accelerator = joined_accelerator(
                torch.device(place.device), place.mixed_precision, place.rank, place.ranks, Path(place.meeting)
            )
            found = fit(accelerator, voice.beat)
    except GenaugError as error:
        voice.say(
            "raised", (type(error).__name__ if hasattr(errors, type(error).__name__) else "GeneratorError", str(error))
        )
    except Exception as error:
        voice.say("failed", brief(error))
    else:
        voice.say("done", found if place.rank == 0 else None)


def _tell_warnings(voice: _Voice | None) -> None:
    """Let the parent say ours, once for all processes, and keep back others of all but one."""
    show = warnings.showwarning

    def tell(message: Warning | str, category: type[Warning], *where: Any, **rest: Any) -> None:
        if voice is not None and issubclass(category, GenaugWarning):
            voice.say("warned", str(message))
        elif voice is not None:
            show(message, category, *where, **rest)

    warnings.showwarning = tell


class _Voice:
    """The connection to the parent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last = 0.0

    def hear(self) -> bytes:
        return self._connection.recv_bytes()

    def say(self, verb: str, content: Any) -> None:
        # Not by send, which would hand tensors over by descriptors of files that end with this process.
        self._connection.send_bytes(pickle.dumps((verb, content)))

    def beat(self) -> None:
        """Tell the parent that work goes on, at most five times a second."""
        now = time.monotonic()
        if now - self._last > 0.2:
            self._last = now
            self.say("beat", None)

    def wait(self) -> None:
        """Wait for the parent to end this process, or to end itself."""
        self._connection.recv_bytes()
