"""A fit in several processes of this machine, each with a device: started, listened to, and ended together."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import cloudpickle
import torch

from genaug_data import errors
from genaug_data.errors import GenaugWarning, GeneratorError
from genaug_data.generators.accelerator import Precision, without_launcher
from genaug_data.generators.pretrained.adapters.rank import Place

_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from genaug_data.generators.pretrained.adapters.rank import main
main(**json.loads(sys.argv[2]))
"""

_GRACE = 2.0
"""Seconds in which a better explanation than a broken connection may come from another process."""


def fit_in_ranks(
    fit: Callable[..., Any],
    devices: Sequence[torch.device],
    mixed_precision: Precision,
    beat: Callable[[], None],
) -> Any:
    """Run a fit in one process for each device, joined by accelerate, and return what the main one returns.

    The processes have interpreters of their own and know nothing of a launcher around this one, whose distributed state
    is neither read nor changed. None is left when this returns or raises, nor a second after this process has died.

    Args:
        fit: called in each with its ``Accelerator`` and its ``beat``; pickled with cloudpickle.
        devices: all CPU, or all CUDA with their numbers.
        mixed_precision: of the accelerators.
        beat: called whenever a process does so: where one hangs, the others wait, and nothing beats.

    Raises:
        GeneratorError: the fit cannot be sent, a GPU is not there, or a process failed or ended.
        GenaugError: that a process raised.
    """
    _check_there(devices)
    payload = _pickled(fit)
    threads = max(1, torch.get_num_threads() // len(devices))
    with tempfile.TemporaryDirectory(prefix="genaug-fit-") as folder, ExitStack() as stack:
        places = [
            Place(rank, len(devices), str(device), mixed_precision, str(Path(folder) / "meeting"), threads)
            for rank, device in enumerate(devices)
        ]
        ranks = [stack.enter_context(_started(place)) for place in places]
        for rank in ranks:
            # One that is dead already is heard of below.
            with suppress(OSError):
                rank.connection.send_bytes(payload)
        return _listen(ranks, beat)


@dataclass(frozen=True)
class _Rank:
    place: Place
    process: subprocess.Popen[bytes]
    connection: Connection

    @property
    def name(self) -> str:
        return f"process {self.place.rank + 1} of {self.place.ranks} of the fit, on {self.place.device},"


@contextmanager
def _started(place: Place) -> Iterator[_Rank]:
    ours, theirs = socket.socketpair()
    with theirs, Connection(ours.detach()) as connection:
        given = {"place": asdict(place), "descriptor": theirs.fileno(), "parent": os.getpid()}
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), json.dumps(given)],
            stdin=subprocess.DEVNULL,
            env=without_launcher(os.environ) | {"OMP_NUM_THREADS": str(place.threads)},
            pass_fds=[theirs.fileno()],
        )
        try:
            theirs.close()
            yield _Rank(place, process, connection)
        finally:
            process.kill()
            process.wait()


def _listen(ranks: Sequence[_Rank], beat: Callable[[], None]) -> Any:
    """Return the result of the first rank, or raise the error that explains the end of any.

    A rank that failed waits to be killed, so a connection ends only with a process that died; the failures of its
    fellows, who lose their connection to it, may be heard of first.
    """
    speaking = {rank.connection: rank for rank in ranks}
    broken: GeneratorError | None = None
    until: float | None = None
    while speaking:
        heard = wait(list(speaking), None if until is None else max(0.0, until - time.monotonic()))
        if not heard and broken is not None:
            raise broken
        for connection in heard:
            assert isinstance(connection, Connection)
            rank = speaking[connection]
            match _said(rank):
                case "warned", text:
                    warnings.warn(text, GenaugWarning, stacklevel=2)
                case "raised", (kind, text):
                    raise getattr(errors, kind)(text)
                case "failed", text:
                    del speaking[connection]
                    if broken is None:
                        broken = GeneratorError(f"{rank.name} failed ({text}); what it had kept is gone on with")
                        until = time.monotonic() + _GRACE
                case "done", result:
                    del speaking[connection]
                    if rank.place.rank == 0:
                        return result
        beat()
    raise broken or AssertionError("the main process of a fit ended with no result")


def _said(rank: _Rank) -> tuple[str, Any]:
    try:
        return pickle.loads(rank.connection.recv_bytes())
    except (EOFError, OSError):
        with suppress(subprocess.TimeoutExpired):
            rank.process.wait(_GRACE)
        raise GeneratorError(
            f"{rank.name} ended with exit code {rank.process.returncode}; if memory ran out, lower batch_size, and run "
            "again: the fit goes on from its checkpoint"
        ) from None


def _pickled(fit: Callable[..., Any]) -> bytes:
    try:
        return cloudpickle.dumps(fit)
    except Exception as error:
        raise GeneratorError(
            f"the training set, the prompts or the model cannot be sent to the processes of a fit on several devices "
            f"({errors.brief(error)}); make it picklable, or leave devices out"
        ) from error


def _check_there(devices: Sequence[torch.device]) -> None:
    for device in devices:
        if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
            raise GeneratorError(
                f"devices has {device}, and PyTorch finds {torch.cuda.device_count()} GPUs here; name those there are"
            )
