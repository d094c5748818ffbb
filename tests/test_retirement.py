from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.toys import toy_base


@pytest.mark.parametrize(("in_a_row", "leaving"), [(0, 4), (1, 9), (2, 19), (3, 24), (9, 24)])
def test_a_full_file_system_takes_twice_as_many_each_time(wrap: Callable, in_a_row: int, leaving: int) -> None:
    train = wrap(mode="async", worker="inline")
    train.warmup(2)
    loop = train._own().loop
    loop.refresher.intake.full, loop.refresher.intake.full_in_a_row = True, in_a_row
    loop.refresher.retirement.retire(loop.refresher.targeting.choose(loop.feedback.table))
    assert len(loop.refresher.intake.leaving) == leaving
    assert len(loop.refresher.catalogue) == 48 - leaving


def test_in_mode_sync_no_variant_leaves_the_cache_but_by_the_loop(wrap: Callable) -> None:
    # There is no room for a variant of each, and how large they are is not known before there are some.
    train = wrap(toy_base(100), refresh_every=1, max_bytes=24_000, policy="uniform", ratio=0.5)
    asked, worker = [], train._own().worker
    evict = worker.evict
    worker.evict = lambda keys: (asked.extend(keys), evict(keys))
    evicted = []
    with train:
        for images, labels, meta in train.loader(batch_size=8):
            train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
            evicted.append((train.stats().get("evicted", 0), len(asked)))
    assert evicted[0] == (0, 0)
    assert evicted[-1][0] > 0
    assert all(gone == asked_for for gone, asked_for in evicted)
