"""Fault 14: feedback that is late, repeated, out of range, not finite, or of variants that are gone."""

from __future__ import annotations

from collections.abc import Callable

import torch

from genaug_data.meta import SampleMeta
from tests.toys import toy_base


def observe(train: object, labels: torch.Tensor, meta: SampleMeta, loss: torch.Tensor | None = None) -> None:
    train.observe(meta, torch.ones(len(meta)) if loss is None else loss, torch.zeros(len(meta), 3), labels)


def test_it_is_counted_and_changes_nothing(wrap: Callable) -> None:
    train = wrap(toy_base(24), ratio=0.5, policy="uniform", refresh_every=100)
    train.warmup()
    with train:
        batches = [(labels, meta) for _, labels, meta in train.loader(batch_size=8)]
        keys = {key.tobytes() for _, meta in batches for key in meta.key[meta.synthetic]}
        loop = train._own().loop
        # Evicted between the step that showed them and the feedback on it.
        loop.worker.evict(list(keys))
        loop.collect()
        labels, meta = batches[0]
        # A whole pass late, and twice.
        for _ in range(2):
            observe(train, labels, meta)
        labels, meta = batches[1]
        observe(train, labels, meta, torch.full((8,), float("nan")))
        strange = SampleMeta.pack([-1, 24, 10**12, 3], [None] * 4)
        observe(train, torch.tensor([0, 1, 2, 0]), strange)
        stats = train.stats()
        table = loop.feedback.table
    synthetic = int(batches[0][1].synthetic.sum())
    assert synthetic == 4
    assert stats["feedback rows"] == 8 + 8 + 4
    assert stats["feedback repeated"] == 1
    assert stats["feedback ignored"] == synthetic + 8 + 3
    expected = torch.zeros(24, dtype=torch.int32)
    expected[batches[0][1].index[~batches[0][1].synthetic]] += 1
    expected[3] += 1
    assert table.observations.tolist() == expected.tolist()
    assert len(loop.feedback.ledger) == 24 - len(keys)


def test_a_loop_that_observes_batches_out_of_order_and_leaves_some_out_goes_on(wrap: Callable) -> None:
    train = wrap(toy_base(48), ratio=0.5, policy="uniform", refresh_every=3)
    train.warmup()
    with train:
        for _ in range(4):
            batches = [(labels, meta) for _, labels, meta in train.loader(batch_size=6)]
            assert all(len(meta) == 6 for _, meta in batches)
            for place in (5, 1, 7, 2):
                observe(train, *batches[place])
    assert train.stats()["feedback rows"] == 4 * 4 * 6
    assert train.stats()["synthetic"] + train.stats()["shortfall"] == 4 * 24
