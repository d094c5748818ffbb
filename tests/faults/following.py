"""A real training loop while something goes wrong, with what every such test asserts."""

from __future__ import annotations

import time
from collections.abc import Callable

from genaug_data.dataset import GenerativeAugmentDataset
from tests.loops import Learner

BATCH = 8
LATE = 20.0
"""Seconds after which a batch counts as late: far beyond any on a busy machine, far below any patience."""


def train_through(
    train: GenerativeAugmentDataset,
    steps: int,
    *,
    until: Callable[[], bool] = lambda: True,
    each: Callable[[int], None] = lambda step: None,
    seconds: float = 60.0,
    pause: float = 0.01,
    **loader_arguments: object,
) -> list[tuple]:
    """Train for at least ``steps`` steps and until ``until()``; returns the batches.

    Fails if a batch is short or late, or if ``until`` does not come true within ``seconds``.

    Args:
        train: whose examples are a multiple of the batch.
        steps: at least.
        until: what training waits for.
        each: called after each step.
        seconds: bound.
        pause: seconds between two steps, for faults that take their time.
        loader_arguments: of the DataLoader.
    """
    learner = Learner(train)
    loader = train.loader(batch_size=BATCH, **loader_arguments)
    batches: list[tuple] = []
    end = last = time.monotonic()
    end += seconds
    while len(batches) < steps or not until():
        assert time.monotonic() < end, f"after {len(batches)} steps: {train.stats()}"
        for images, labels, meta in loader:
            now, late = time.monotonic(), time.monotonic() - last
            assert late < LATE, f"step {len(batches)} came {late:.1f} s after the last"
            assert len(images) == len(labels) == len(meta) == BATCH
            last = now
            learner.step(images, labels, meta)
            batches.append((images, labels, meta))
            each(len(batches))
            time.sleep(pause)
    return batches


def assert_nothing_is_lost(train: GenerativeAugmentDataset) -> None:
    """What was accepted is in the cache or was evicted, and every order had an outcome."""
    stats = train.stats()
    count = stats.get
    kept = len(train._own().catalogue)
    assert count("accepted", 0) + count("found", 0) - count("evicted", 0) <= stats["cached"]
    keys = [key for key, _, _ in train._own().catalogue.items()]
    with train._own().reader as reader:
        assert all(found is not None for found in reader.gather(keys))
    assert kept <= stats["cached"]
    outcomes = ("accepted", "found", "failed", "withdrawn", "unanswered")
    rejected = sum(number for name, number in stats.items() if name.startswith("rejected by"))
    assert count("requested", 0) == sum(count(name, 0) for name in outcomes) + rejected
