from __future__ import annotations

import os
import subprocess
import sys
import time

CHILD = """
import os, sys, time
from genaug_data.orphans import end_with_parent
end_with_parent(int(sys.argv[1]))
time.sleep(60)
"""

PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}, str(os.getpid())])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_process_ends_with_its_parent_however_that_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
        end = time.monotonic() + 30
        while os.path.exists(f"/proc/{child}"):
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_process_whose_parent_was_gone_before_it_asked_ends_too() -> None:
    # Our own parent is not its parent.
    child = subprocess.run([sys.executable, "-c", CHILD, str(os.getppid())], timeout=50, check=False)
    assert child.returncode == 0
