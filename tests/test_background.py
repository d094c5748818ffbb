from __future__ import annotations

import threading
import time

import pytest

from genaug_data import background
from genaug_data.background import Background


def test_it_works_by_itself_and_at_once_when_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []
    came = threading.Semaphore(0)

    def work() -> bool:
        calls.append(time.monotonic())
        came.release()
        return True

    worker = Background(work)
    worker.start()
    assert came.acquire(timeout=10)
    assert came.acquire(timeout=10)
    worker.stop()
    worker.join(10)
    # Longer than this test waits: only a wake-up can bring the next call.
    monkeypatch.setattr(background, "_TICK", 1000.0)
    while came.acquire(blocking=False):
        pass
    worker.wake()
    worker.start()
    assert came.acquire(timeout=10)
    worker.stop()
    worker.join(10)
    assert not any(thread.name == "genaug-loop" for thread in threading.enumerate())
    count = len(calls)
    worker.wake()
    assert len(calls) == count


def test_a_failure_delays_the_next_call_but_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_AFTER_FAILURE", 1000.0)
    came = threading.Semaphore(0)
    worker = Background(lambda: bool(came.release()))
    worker.start()
    assert came.acquire(timeout=10)
    worker.wake()
    assert not came.acquire(timeout=0.5)
    worker.stop()
    worker.join(10)
    assert not any(thread.name == "genaug-loop" for thread in threading.enumerate())


def test_it_may_end_itself() -> None:
    ended = threading.Event()

    def work() -> bool:
        worker.stop()
        worker.join(10)
        ended.set()
        return True

    worker = Background(work)
    worker.start()
    assert ended.wait(5)
    worker.join(10)
