"""Every test of a fault also shows that nothing stays behind."""

from __future__ import annotations

import gc
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import NamedTuple

import pytest

_HELPERS = (b"resource_tracker", b"forkserver")
_DAEMONS = {"tqdm_monitor"}


class Held(NamedTuple):
    """What this process holds that a test may not leave behind."""

    children: Counter[str]
    threads: Counter[str]
    files: Counter[str]
    shared: Counter[str]


def _children() -> Counter[str]:
    listed, found = [], Counter[str]()
    for task in Path("/proc/self/task").iterdir():
        # A thread may end just now.
        with suppress(OSError):
            listed += task.joinpath("children").read_text().split()
    for child in listed:
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if not any(helper in command for helper in _HELPERS):
            found[child] += 1
    return found


def _files() -> Counter[str]:
    found = Counter[str]()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            # The one that listed the folder.
            continue
        if not target.startswith(("pipe:", "/dev/")):
            found[target] += 1
        elif target.startswith("pipe:"):
            found["a pipe"] += 1
    return found


def _is_of_another(name: str) -> bool:
    """Whether a living process that is no descendant made a segment; PyTorch and joblib name the maker.

    multiprocessing does not: its semaphores count for nobody's, because tests run beside each other.
    """
    maker = re.match(r"(?:torch_|sem\.loky-)(\d+)", name)
    if maker is None:
        return name.startswith("sem.mp-")
    process = int(maker[1])
    with suppress(OSError):
        while process > 1 and process != os.getpid():
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        return process != os.getpid()
    return False


def _held() -> Held:
    return Held(
        _children(),
        Counter(thread.name for thread in threading.enumerate() if thread.name not in _DAEMONS),
        _files(),
        Counter(name for name in os.listdir("/dev/shm") if not _is_of_another(name)),
    )


@pytest.fixture(autouse=True)
def _nothing_stays_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    if "wrap" in request.fixturenames:
        # So that its datasets are closed before the look.
        request.getfixturevalue("wrap")
    # They stay for the life of the process, once anything needs them.
    resource_tracker.ensure_running()
    forkserver.ensure_running()
    gc.collect()
    before = _held()
    yield
    for train in getattr(request.node, "opened", []):
        train.close()
    end = time.monotonic() + 5
    while True:
        gc.collect()
        left = {name: now - then for name, now, then in zip(Held._fields, _held(), before, strict=True) if now - then}
        if not left or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert not left, f"the test left behind {left}"


@pytest.fixture
def wrap(wrap: Callable, request: pytest.FixtureRequest) -> Callable:
    """The ``wrap`` of all tests; what it made is closed before the look for what stayed behind."""
    request.node.opened = []

    def make(*arguments: object, **named: object) -> object:
        request.node.opened.append(wrap(*arguments, **named))
        return request.node.opened[-1]

    return make
