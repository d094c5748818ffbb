"""Row 11: two trainers on one cache folder; the lease of a dead one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.errors import GenaugWarning
from tests.faults.following import assert_nothing_is_lost, train_through
from tests.faults.scripts import running, seconds_until_gone

FIRST = """
train = wrap(max_children=1)
with train:
    train.warmup()
    print("ready", train._own().worker.process_id, flush=True)
    train_through(train, 10**9, pause=0.03, seconds=600)
"""
ASYNC = {"mode": "async", "worker": "process", "policy": "uniform", "ratio": 0.5}


def test_the_second_reads_and_names_the_first_and_takes_over_when_it_is_dead(wrap: Callable, tmp_path: Path) -> None:
    with running(FIRST, str(tmp_path / "cache")) as first:
        word, child = first.stdout.readline().split() or [first.stderr.read(), ""]
        assert word == "ready", word
        second = wrap(**ASYNC)
        name = f"real and cached samples: .* is being written by process {child} on {socket.gethostname()}"
        with pytest.warns(GenaugWarning, match=name), second:
            train_through(second, 9, until=lambda: second.stats()["synthetic"] >= 12, pause=0.03)
        # Not one of its own, but it shows what the first has made.
        assert "requested" not in second.stats() or second.stats()["unanswered"] == second.stats()["requested"]
        first.kill()
        first.communicate()
        seconds_until_gone([int(child)], 5)
        third = wrap(**ASYNC, max_children=2)
        with third:
            third.wait_until_ready()
            train_through(third, 9, until=lambda: third.stats().get("accepted", 0) == 24, pause=0.03)
        assert third.stats()["cached"] == 48
        assert_nothing_is_lost(third)
