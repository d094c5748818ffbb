from __future__ import annotations

import os
import time

import cloudpickle
import pytest

from genaug_data.workers.base import Broken, Job
from genaug_data.workers.spawned import Spawned


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_killed_when_nobody_refers_to_it() -> None:
    child = Spawned()
    process_id = child.process.pid
    assert is_alive(process_id)
    del child
    assert not is_alive(process_id)


def test_a_child_that_is_not_loaded_is_not_waited_for() -> None:
    child, started = Spawned(), time.monotonic()
    child.ask_to_stop(grace=60)
    child.kill()
    # It has not imported anything yet, and would take its time to hear of the stop.
    assert time.monotonic() - started < 30
    assert child.process.returncode == -9
    child.load(b"x" * 10_000_000)
    assert child.hung_up


def test_a_loaded_child_says_what_is_wrong_and_ends_by_itself(tmp_path: object) -> None:
    job = Job([], None, [], tmp_path / "cache", "toy", 1 << 20, progress=False)
    child = Spawned()
    child.load(cloudpickle.dumps(job))
    said = None
    while said is None:
        said = child.connection.recv()
    assert isinstance(said, Broken)
    assert child.process.wait(30) == 0
    with pytest.raises(EOFError):
        child.connection.recv()
    child.kill()
