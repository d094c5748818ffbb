"""Row 16: the clock is set back. Waits go by the monotonic clock, which nobody can set."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import genaug_data
from tests.faults.scripts import running

PACKAGE = Path(genaug_data.__file__).parent
# Where a date is written down: when a variant was made, a cache claimed, a lease taken.
DATES = {"workers/order.py": 1, "cache/manifest.py": 1, "cache/tombstones.py": 1}

# A clock cannot be set for one process alone, so that here time.time, time.time_ns and datetime's source jump in both
# processes: an hour back while training goes on.
BACK = """
import pickle
real = time.time
shift = [0.0]
time.time = lambda: real() + shift[0]
class Shifts(Noisy):
    def generate(self, parents, requests):
        import time
        if not hasattr(time, "_set_back"):
            time._set_back, known = True, time.time
            calls = iter(range(10**9))
            time.time = lambda: known() - 3600 * next(calls)
        time.sleep(0.05)
        return Noisy.generate(self, parents, requests)
from genaug_data import Budget
train = wrap(generator=Shifts(), budget=Budget(duty=0.5, patience=30), max_children=4)
began = time.monotonic()
def each(step):
    if step % 5 == 0:
        shift[0] -= 3600
with train:
    train.wait_until_ready()
    began = time.monotonic()
    train_through(train, 60, each=each, until=lambda: train.stats().get("accepted", 0) == 96, pause=0.02)
    assert train.stats()["restarts"] == 0, train.stats()
    print("trained", flush=True)
    ended = time.monotonic()
assert time.monotonic() - ended < 5
assert shift[0] <= -3600 * 12
print("closed in time", flush=True)
"""


def test_a_clock_that_is_set_back_again_and_again_holds_up_nothing(tmp_path: Path) -> None:
    """Waits use the monotonic clock: neither budget, patience, back-off nor the end notice the jumps."""
    with running(BACK, str(tmp_path / "cache")) as trainer:
        said, errors = trainer.communicate(timeout=90)
        assert trainer.returncode == 0, errors
        assert said.split("\n")[:2] == ["trained", "closed in time"]


def clock_reads(source: str) -> int:
    """Return how often a module reads the clock that can be set."""
    count = 0
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            count += (node.value.id, node.attr) in {("time", "time"), ("time", "time_ns"), ("datetime", "now")}
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            count += sum(name.name in ("time", "time_ns") for name in node.names)
    return count


@pytest.mark.parametrize("part", ["workers", "loop.py", "intake.py", "cache", "feedback.py", "planner.py"])
def test_no_wait_goes_by_a_clock_that_can_be_set(part: str) -> None:
    assert clock_reads("import time\nend = time.time() + 5") == 1
    path = PACKAGE / part
    for module in sorted(path.glob("*.py")) if path.is_dir() else [path]:
        name = module.relative_to(PACKAGE).as_posix()
        assert clock_reads(module.read_text()) == DATES.get(name, 0), name
