from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.hardness import HardnessTable, resolve_policy
from genaug_data.hardness.noise import AumQuantile, NoisePolicy
from genaug_data.seeding import numpy_generator
from genaug_data.targeting import Targeting
from tests.toys import toy_base


class Marked(NoisePolicy):
    """Suspects the examples of these indices."""

    name = "marked"

    def __init__(self, *indices: int) -> None:
        self.indices = list(indices)

    def score(self, table: HardnessTable) -> np.ndarray:
        return np.arange(table.size) / table.size

    def decide(self, table: HardnessTable, score: np.ndarray) -> np.ndarray:
        return np.isin(np.arange(table.size), self.indices)

    def suggest(self, table: HardnessTable) -> np.ndarray:
        return np.full(table.size, 2)


def observed(size: int, seed: int = 0) -> HardnessTable:
    table = HardnessTable(size)
    table.observations[:] = table.predictions[:] = 4
    table.loss_ema[:] = numpy_generator(seed).random(size)
    return table


@pytest.mark.parametrize("share", [0.1, 0.35, 1.0])
def test_parents_are_the_hardest_that_are_no_suspects(share: float) -> None:
    table = observed(40)
    # Who was seen twice was seen often enough.
    table.observations[:5], table.observations[5:] = 1, 2
    targeting = Targeting(resolve_policy("loss_ema"), Marked(7, 30), share)
    priorities, parents, suspects = targeting.choose(table)
    assert np.flatnonzero(suspects).tolist() == [7, 30]
    plain = resolve_policy("loss_ema").priorities(table)
    assert priorities.sum() == pytest.approx(1)
    for index in range(40):
        expected = 0 if index in (7, 30) else plain[index] / (1 - plain[7] - plain[30])
        assert priorities[index] == pytest.approx(expected)
    ranked = sorted(range(40), key=lambda index: -priorities[index])[: max(1, round(40 * share))]
    expected = [index in ranked and index >= 5 and index not in (7, 30) for index in range(40)]
    assert parents.tolist() == expected


def test_equals_are_all_parents() -> None:
    table = observed(20)
    targeting = Targeting(resolve_policy("uniform"), None, 0.1)
    assert targeting.choose(table).parents.all()


def test_where_all_are_suspects_nobody_is_a_parent() -> None:
    table = observed(6)
    targeting = Targeting(resolve_policy("loss_ema"), Marked(*range(6)), 0.5)
    priorities, parents, _ = targeting.choose(table)
    assert priorities.tolist() == [0] * 6
    assert not parents.any()


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_out_of_range_is_said(share: float) -> None:
    with pytest.raises(ConfigError, match=r"parent_share must be in \(0, 1\], got"):
        Targeting(resolve_policy("uniform"), None, share)


def test_suspects_come_as_a_table(wrap: Callable) -> None:
    train = wrap(noise=Marked(3, 9, 5))
    train._own().loop.feedback.table.label[:] = np.arange(24) % 3
    found = train.suspects()
    assert [(one.index, one.label, one.suggested) for one in found] == [(9, 0, 2), (5, 2, 2), (3, 0, 2)]
    assert [one.score for one in found] == [9 / 24, 5 / 24, 3 / 24]


def test_without_a_noise_policy_the_lowest_margins_are_named(wrap: Callable) -> None:
    train = wrap(toy_base(60))
    table = train._own().loop.feedback.table
    table.predictions[:], table.label[:] = 3, np.arange(60) % 3
    table.aum_sum[:] = numpy_generator(2).random(60)
    expected = set(np.flatnonzero(AumQuantile().suspects(table)).tolist())
    assert {one.index for one in train.suspects()} == expected
    assert len(expected) == 3


def test_variants_of_an_example_that_becomes_a_suspect_leave(wrap: Callable) -> None:
    noise = Marked()
    train = wrap(ratio=0.5, policy="uniform", noise=noise, parent_share=1.0)
    train.warmup(2)
    noise.indices = [1, 2, 3]
    shown: list[int] = []
    with train:
        for epoch in range(6):
            train.set_epoch(epoch)
            for images, labels, meta in train.loader(batch_size=6):
                train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
                if epoch >= 3:
                    shown += meta.index[meta.synthetic].tolist()
    assert len(set(shown)) > 10
    assert not {1, 2, 3} & set(shown)
    assert train.stats()["retired with their parent"] == 6
    with train._own().reader as reader:
        assert not {1, 2, 3} & {entry.parent for entry in reader.entries()}


def test_only_suspicion_takes_the_variants_of_a_parent_away(wrap: Callable) -> None:
    # Without a floor, whoever has no score has priority 0.
    train = wrap(ratio=0.5, policy=resolve_policy("forgetting").__class__(floor=0.0), max_children=1)
    train.warmup()
    with train:
        for images, labels, meta in train.loader(batch_size=8):
            train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
    assert train.stats()["cached"] == 24
    assert train.stats()["retired with their parent"] == 0
