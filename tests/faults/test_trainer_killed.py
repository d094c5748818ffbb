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

from genaug_data import GenerativeAugmentDataset
from genaug_data.cache import CacheReader, verify
from genaug_data.errors import GenaugWarning
from tests.faults.following import train_through
from tests.faults.scripts import is_alive
from tests.toys import Noisy, noisy, toy_base, toy_samples

TIMES = 50
COUNT = 24


def new_run(folder: Path) -> GenerativeAugmentDataset:
    # So many children that no run ever has nothing to do.
    return GenerativeAugmentDataset(
        toy_base(COUNT), cache=folder, generator=Noisy(), gates=[], policy="uniform", ratio=0.5, progress=False,
        refresh_every=2, max_children=10_000, max_bytes=1 << 20,
    )  # fmt: skip


def train_until_killed(folder: Path, tell: int) -> None:
    """Train in a fork, which has imported everything, and say which generation process works for it."""
    try:
        warnings.simplefilter("ignore", GenaugWarning)
        train = new_run(folder)
        with train:
            told: list[int] = []

            def each(step: int) -> None:
                child = train._own().worker.process_id
                if child is not None and child not in told:
                    told.append(child)
                    os.write(tell, f"{child}\n".encode())

            train_through(train, 10**9, each=each, seconds=600)
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
            from genaug_data.sample import Request

            request = Request(made.parent, made.variant, made.recipe, made.seed, 0.0)
            assert child.image.equal(noisy(parents[made.parent], request).image)
    return found.records


def test_a_trainer_killed_at_fifty_random_points_leaves_a_cache_that_the_next_run_opens(tmp_path: Path) -> None:
    folder, chance = tmp_path / "cache", random.Random(5)
    records: list[int] = []
    for _ in range(TIMES):
        ours, theirs = os.pipe()
        trainer = os.fork()
        if trainer == 0:
            os.close(ours)
            train_until_killed(folder, theirs)
        os.close(theirs)
        # Most of the second goes by while the generation process starts: some longer runs see it at work.
        time.sleep(chance.choice([chance.uniform(0, 1), chance.uniform(1, 3)]))
        os.kill(trainer, signal.SIGKILL)
        assert os.waitpid(trainer, 0)[1] == signal.SIGKILL
        told = b""
        while part := os.read(ours, 4096):
            told += part
        os.close(ours)
        # Nobody cleans up: the orphan ends by itself, at the latest when it has imported all it needs.
        end = time.monotonic() + 20
        while any(is_alive(int(child)) for child in told.split()):
            assert time.monotonic() < end, "the orphaned generation process is still there"
            time.sleep(0.02)
        records.append(assert_sound(folder))
    assert records[-1] > 0
    assert len(set(records)) > 5
    # And the next run opens it, takes the lease over and makes more.
    train = new_run(folder)
    with train:
        train.wait_until_ready()
        train_through(train, 9, until=lambda: train.stats().get("accepted", 0) > 0, pause=0.01)
    assert train.stats()["restarts"] == 0
    assert_sound(folder)
