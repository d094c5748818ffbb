"""Rows 6 and 13: Ctrl-C, an exception, an early break; SIGTERM to the whole process group."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.scripts import running, seconds_until_gone

# Each end is met twice in one process: what the first leaves behind would show in the second.
ENDS = """
how = sys.argv[2]
train = wrap(generator=Slow())
for round in range(2):
    began = None
    def each(step):
        global began
        if began is None and train.stats()["worker"] == "ready":
            began = time.monotonic()
            children.append(train._own().worker.process_id)
            print("ready", *children, flush=True)
            if how == "error":
                raise ZeroDivisionError
        # A Ctrl-C comes from outside, some steps later.
    children = []
    try:
        with train:
            if how == "break":
                for images, labels, meta in train.loader(batch_size=8):
                    train.wait_until_ready()
                    each(0)
                    break
            else:
                train_through(train, 10**9, each=each, pause=0.03)
    except (KeyboardInterrupt, ZeroDivisionError) as error:
        print(type(error).__name__, flush=True)
    took = time.monotonic() - began
    assert train.stats()["worker"] == "closed"
    print("closed", flush=True)
    try:
        os.kill(children[0], 0)
        print("the child is still there", flush=True)
    except ProcessLookupError:
        print("gone", flush=True)
"""


@pytest.mark.parametrize("how", ["KeyboardInterrupt", "error", "break"])
def test_however_a_run_ends_everything_is_closed_within_5_seconds(tmp_path: Path, how: str) -> None:
    with running(ENDS, str(tmp_path / "cache"), how) as trainer:
        for _ in range(2):
            word, child = trainer.stdout.readline().split() or [trainer.stderr.read(), ""]
            assert word == "ready", word
            if how == "KeyboardInterrupt":
                time.sleep(0.3)
                trainer.send_signal(signal.SIGINT)
            began = time.monotonic()
            expected = [*{"error": ["ZeroDivisionError"], "break": []}.get(how, [how]), "closed", "gone"]
            assert [trainer.stdout.readline().strip() for _ in expected] == expected
            assert time.monotonic() - began < 5
            seconds_until_gone([int(child)], 0.1)
        _, errors = trainer.communicate(timeout=30)
        assert trainer.returncode == 0, errors


SCHEDULED = """
train = wrap(generator=Slow())
saved = sys.argv[2]
told = []
signal.signal(int(sys.argv[3]), lambda *_: told.append(time.monotonic()))
with train:
    train.wait_until_ready()
    print("ready", train._own().worker.process_id, flush=True)
    train_through(train, 1, until=lambda: bool(told), pause=0.03)
    before = train.stats()["images made"]
    # It takes its time to save, and generation goes on meanwhile: the children have ignored the signal.
    train_through(train, 1, until=lambda: train.stats()["images made"] > before, pause=0.03)
    assert train.stats()["restarts"] == 0
    with open(saved, "w") as file:
        file.write("weights")
print("closed", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_process_group_leaves_time_to_save(tmp_path: Path, how: signal.Signals) -> None:
    arguments = [str(tmp_path / "cache"), str(tmp_path / "saved"), str(int(how))]
    with running(SCHEDULED, *arguments, start_new_session=True) as trainer:
        word, child = trainer.stdout.readline().split() or [trainer.stderr.read(), ""]
        assert word == "ready", word
        time.sleep(0.3)
        os.killpg(trainer.pid, how)
        began = time.monotonic()
        assert trainer.stdout.readline() == "closed\n", trainer.stderr.read()
        assert time.monotonic() - began < 5
        _, errors = trainer.communicate(timeout=30)
        assert trainer.returncode == 0, errors
        assert (tmp_path / "saved").read_text() == "weights"
        seconds_until_gone([int(child)], 0.1)
