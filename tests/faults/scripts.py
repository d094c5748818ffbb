"""Training runs in processes of their own, for faults that end or stop a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD = """
import os, signal, sys, time, warnings
# A shell lets its background jobs, and these tests may be one, ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from genaug_data import GenerativeAugmentDataset
from tests.faults.following import train_through
from tests.toys import Noisy, Slow, toy_base
folder = sys.argv[1]
def wrap(**arguments):
    return GenerativeAugmentDataset(
        toy_base(24), **{"cache": folder, "generator": Noisy(), "gates": [], "policy": "uniform", "ratio": 0.5,
        "progress": False, "refresh_every": 2} | arguments)
"""


@contextmanager
def running(program: str, *arguments: str, **named: object) -> Iterator[subprocess.Popen]:
    """Run ``HEAD`` and ``program``, with pipes for what it says; killed at the latest when this is left."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path]), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + program, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **named,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def is_alive(process: int) -> bool:
    """Return whether there is such a process; one that has ended and waits for its parent to notice is not alive."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def seconds_until_gone(processes: list[int], bound: float) -> float:
    """Wait until none of these is alive; fails after ``bound`` seconds."""
    started = time.monotonic()
    while any(map(is_alive, processes)):
        assert time.monotonic() - started < bound, "a process is still alive"
        time.sleep(0.02)
    return time.monotonic() - started
