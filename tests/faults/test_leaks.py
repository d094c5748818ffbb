"""The look for what a test leaves behind finds each kind of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from tests.faults.conftest import _held


def test_each_kind_of_thing_left_behind_is_seen(tmp_path: Path) -> None:
    before, done = _held(), threading.Event()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    thread = threading.Thread(target=done.wait, name="left-behind")
    thread.start()
    shared = SharedMemory(create=True, size=16)
    with (tmp_path / "left-behind").open("w"):
        after = _held()
    child.communicate(b"\n")
    done.set()
    thread.join()
    shared.close()
    shared.unlink()
    assert [bool(now - then) for now, then in zip(after, before, strict=True)] == [True] * 4
    assert (after.children - before.children)[str(child.pid)] == 1
