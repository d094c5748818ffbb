"""Numbers that two sides share, of which each is written by one."""

from __future__ import annotations

import subprocess
import sys

from genaug_data.workers.reins import Reins, shared_memory


def test_busy_seconds_count_up_to_this_moment() -> None:
    now = 100.0
    reins = Reins(clock=lambda: now)
    assert reins.busy_seconds() == 0.0
    reins.work_from(100.0, before=0.0)
    now = 103.0
    assert reins.busy_seconds() == 3.0
    reins.rest_with(3.0)
    now = 200.0
    assert reins.busy_seconds() == 3.0
    reins.work_from(200.0, before=3.0)
    now = 201.5
    assert reins.busy_seconds() == 4.5


def test_another_process_reads_and_writes_the_same() -> None:
    with shared_memory() as memory:
        reins = Reins(memory.fileno())
        reins.duty = 0.25
        program = (
            "import sys; from genaug_data.workers.reins import Reins; reins = Reins(int(sys.argv[1])); "
            "reins.rest_with(7.5); print(reins.duty, reins.is_stopped)"
        )
        said = subprocess.run(
            [sys.executable, "-c", program, str(memory.fileno())],
            pass_fds=[memory.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
    assert said.stdout.split() == ["0.25", "False"]
    assert reins.busy_seconds() == 7.5


def test_new_memory_is_neither_stopped_nor_busy_and_may_be_set_after_its_file_is_closed() -> None:
    with shared_memory() as memory:
        reins = Reins(memory.fileno())
    assert (reins.duty, reins.is_stopped, reins.busy_seconds()) == (0.0, False, 0.0)
    reins.is_stopped = True
    assert reins.is_stopped
