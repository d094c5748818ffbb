"""Row 5: the trainer is killed by SIGKILL at any point, fifty times on one cache."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

import pytest

from genaug_data import GenerativeAugmentDataset
from genaug_data.cache import CacheReader, verify
from genaug_data.errors import GenaugWarning
from genaug_data.sample import Request
from tests.faults.following import train_through
from tests.faults.scripts import seconds_until_gone
from tests.toys import Noisy, noisy, toy_base, toy_samples

TIMES = 50
# In every eighth round a process makes the variants; in the others the trainer that is killed is the writer itself.
IN_A_PROCESS = 8
COUNT = 24


def new_run(folder: Path, worker: str = "process") -> GenerativeAugmentDataset:
    # So many children that no run ever has nothing to do.
    return GenerativeAugmentDataset(
        toy_base(COUNT), cache=folder, generator=Noisy(), gates=[], policy="uniform", ratio=0.5, progress=False,
        refresh_every=2, max_children=10_000, max_bytes=1 << 20, worker=worker,
    )  # fmt: skip


def train_until_killed(folder: Path, tell: int, worker: str) -> None:
    """Train in a fork, which has imported everything, and say which generation process works for it."""
    try:
        warnings.simplefilter("ignore", GenaugWarning)
        train = new_run(folder, worker)
        with train:
            told: list[str] = []

            def each(step: int) -> None:
                hand = train._own().worker
                for news in (str(getattr(hand, "process_id", None) or ""), hand.stats().state):
                    if news and news not in told:
                        told.append(news)
                        os.write(tell, f"{news}\n".encode())

            train_through(train, 10**9, each=each, seconds=600, pause=0.02)
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    os._exit(1)


def assert_sound(folder: Path) -> int:
    """Every committed record can be read, and is what the generator makes; returns how many there are."""
    if not (folder / "genaug.json").exists():
        return 0
    found = verify(folder, progress=False)
    assert found.damaged == ()
    parents = toy_samples(COUNT)
    with CacheReader(folder) as reader:
        for entry in reader.entries()[-50:]:
            made, (child,) = reader.provenance(entry.key), reader.gather([entry.key])
            request = Request(made.parent, made.variant, made.recipe, made.seed, 0.0)
            assert child.image.equal(noisy(parents[made.parent], request).image)
    return found.records


@pytest.mark.timeout(400)
def test_a_trainer_killed_at_fifty_random_points_leaves_a_cache_that_the_next_run_opens(tmp_path: Path) -> None:
    folder, chance = tmp_path / "cache", random.Random(5)
    records: list[int] = []
    orphans: list[int] = []
    for number in range(TIMES):
        ours, theirs = os.pipe()
        trainer = os.fork()
        if trainer == 0:
            os.close(ours)
            train_until_killed(folder, theirs, "inline" if number % IN_A_PROCESS else "process")
        os.close(theirs)
        told = b""
        # The start of a process takes longer than a second: every other time the second begins when it is ready.
        while number % (2 * IN_A_PROCESS) == 0 and b"ready" not in told:
            told += os.read(ours, 4096) or pytest.fail("the trainer ended")
        time.sleep(chance.uniform(0, 1))
        os.kill(trainer, signal.SIGKILL)
        assert os.waitpid(trainer, 0)[1] == signal.SIGKILL
        while part := os.read(ours, 4096):
            told += part
        os.close(ours)
        orphans += [int(word) for word in told.split() if word.isdigit()]
        if number % IN_A_PROCESS == 0:
            # Nobody cleans up, and an orphan that has the lease lets the next run only read.
            seconds_until_gone(orphans, 30)
        records.append(assert_sound(folder))
    seconds_until_gone(orphans, 30)
    assert records[-1] > 0
    assert len(set(records)) > 5
    # And the next run opens it, takes the lease over and makes more.
    train = new_run(folder)
    with train:
        train.wait_until_ready()
        train_through(train, 9, until=lambda: train.stats().get("accepted", 0) > 0, pause=0.03)
    assert train.stats()["restarts"] == 0
    assert_sound(folder)
