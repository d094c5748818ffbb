"""What is published for later slots is kept until those slots are seen, and no longer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from genaug_data.catalogue import Catalogue
from genaug_data.in_flight import InFlight
from genaug_data.meta import SampleMeta
from genaug_data.sample import Token
from genaug_data.sayings import Sayings
from genaug_data.showing import Showing
from tests.toys import toy_base

BATCH = 4


@pytest.mark.parametrize("ahead", [1, 3])
@pytest.mark.parametrize("every", [1, 2])
def test_only_snapshots_that_a_slot_may_still_be_drawn_from_are_kept(ahead: int, every: int) -> None:
    catalogue, in_flight = Catalogue(), InFlight()
    catalogue.add(0, b"k" * 16)
    showing = Showing(catalogue, in_flight, None, Sayings(), steps_ahead=ahead, allot=lambda: None)
    scheduled = [0]
    for step in range(1, 200):
        for _ in range(BATCH):
            in_flight.add(Token(0))
        showing.note(SampleMeta.pack([0] * BATCH, [None] * BATCH))
        if step % every == 0:
            observed = step * BATCH
            current = max(slot for slot in scheduled if slot <= observed)
            scheduled = [slot for slot in scheduled if slot >= current] + [observed + ahead * BATCH]
            showing.publish(None)
        assert [slot for slot, _ in catalogue.lineup.entries] == scheduled
        assert len(scheduled) <= ahead + 2


def test_a_long_pass_of_a_sync_run_keeps_few_snapshots(wrap: Callable) -> None:
    train = wrap(toy_base(400), policy="uniform", ratio=0.5, refresh_every=2)
    lineup, kept = train._own().catalogue.lineup, []
    with train:
        for images, labels, meta in train.loader(batch_size=BATCH):
            # Logits that tell nothing, so that no variant is retired: an eviction would forget snapshots, too.
            train.observe(meta, torch.ones(len(images)), torch.zeros(len(images), 3), labels)
            kept.append(len(lineup.entries))
    stats = train.stats()
    assert len(kept) == 100
    assert stats["synthetic"] > 100
    assert stats.get("evicted", 0) == 0
    assert max(kept) <= 3
