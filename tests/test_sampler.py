from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler

from genaug_data.catalogue import Catalogue
from genaug_data.errors import ConfigError
from genaug_data.sample import Token
from genaug_data.sampler import HardExampleSampler

ratios = st.integers(0, 99).map(lambda percent: percent / 100)


def _full_catalogue(size: int, children: int = 2) -> Catalogue:
    catalogue = Catalogue()
    for parent in range(size):
        for child in range(children):
            catalogue.add(parent, parent.to_bytes(8, "big") + child.to_bytes(8, "big"))
    catalogue.publish()
    return catalogue


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), ratios, st.integers(1, 64), st.sampled_from(["replace", "extend"]))
def test_every_window_holds_its_share(size: int, ratio: float, window: int, mixing: str) -> None:
    sampler = HardExampleSampler(size, _full_catalogue(size), ratio=ratio, mixing=mixing)
    synthetic = [token.key is not None for token in sampler]
    exact = Fraction(ratio).limit_denominator(1000)
    for slot, made in enumerate(synthetic):
        assert made == (floor((slot + 1) * exact) > floor(slot * exact))
    for start in range(len(synthetic) - window + 1):
        assert abs(sum(synthetic[start : start + window]) - window * exact) <= 1


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 300), ratios, st.integers(0, 5))
def test_without_variants_an_epoch_is_the_permutation(size: int, ratio: float, epoch: int) -> None:
    mixed = HardExampleSampler(size, Catalogue(), ratio=ratio)
    plain = HardExampleSampler(size, Catalogue(), ratio=0)
    for sampler in (mixed, plain):
        sampler.set_epoch(epoch)
    shown = list(mixed)
    assert [token.index for token in shown] == [token.index for token in plain]
    assert sorted(token.index for token in shown) == list(range(size))
    assert mixed.shortfall == floor(size * Fraction(ratio).limit_denominator(1000))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), ratios)
def test_replace_keeps_the_order_of_the_real_examples(size: int, ratio: float) -> None:
    mixed = list(HardExampleSampler(size, _full_catalogue(size), ratio=ratio))
    plain = list(HardExampleSampler(size, Catalogue(), ratio=0))
    assert len(mixed) == size
    assert all(real == token for real, token in zip(plain, mixed, strict=True) if token.key is None)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), ratios)
def test_extend_shows_every_real_example_once(size: int, ratio: float) -> None:
    sampler = HardExampleSampler(size, _full_catalogue(size), ratio=ratio, mixing="extend")
    tokens = list(sampler)
    assert sorted(token.index for token in tokens if token.key is None) == list(range(size))
    assert len(tokens) == len(sampler)
    assert tokens[-1].key is None


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 200), ratios, st.data())
def test_a_resumed_pass_goes_on_where_the_state_was_taken(size: int, ratio: float, data: st.DataObject) -> None:
    stop = data.draw(st.integers(1, size - 1))
    whole = list(HardExampleSampler(size, _full_catalogue(size, 1), ratio=ratio, seed=3))
    first = HardExampleSampler(size, _full_catalogue(size, 1), ratio=ratio, seed=3)
    passing = iter(first)
    head = [next(passing) for _ in range(stop)]
    second = HardExampleSampler(size, _full_catalogue(size, 1), ratio=ratio, seed=3)
    second.load_state_dict(first.state_dict())
    assert head + list(second) == whole
    assert second.state_dict()["synthetic"] == sum(token.key is not None for token in whole)


def test_each_pass_is_another_epoch_and_set_epoch_says_which() -> None:
    sampler = HardExampleSampler(50, Catalogue(), ratio=0.25)
    first, second = list(sampler), list(sampler)
    assert first != second
    sampler.set_epoch(0)
    assert list(sampler) == first
    passing = iter(sampler)
    next(passing)
    abandoned = list(sampler)
    assert abandoned not in (first, second)


def test_a_state_taken_at_the_end_resumes_with_the_next_epoch() -> None:
    sampler = HardExampleSampler(20, Catalogue(), ratio=0)
    list(sampler)
    resumed = HardExampleSampler(20, Catalogue(), ratio=0)
    resumed.load_state_dict(sampler.state_dict())
    assert list(resumed) == list(sampler)


@pytest.mark.parametrize(("size", "ranks"), [(10, 2), (11, 2), (7, 3), (16, 4)])
def test_ranks_share_the_epoch_and_each_holds_the_ratio(size: int, ranks: int) -> None:
    shares = [
        list(HardExampleSampler(size, Catalogue(), ratio=0.5, num_replicas=ranks, rank=rank)) for rank in range(ranks)
    ]
    assert len({len(share) for share in shares}) == 1
    assert {token.index for share in shares for token in share} == set(range(size))
    for rank in range(ranks):
        sampler = HardExampleSampler(size, _full_catalogue(size), ratio=0.5, num_replicas=ranks, rank=rank)
        assert sum(token.key is not None for token in sampler) == len(shares[rank]) // 2


def test_variants_are_drawn_by_priority_and_the_least_used_child_first() -> None:
    size, catalogue = 4000, _full_catalogue(3)
    catalogue.publish(np.array([0.7, 0.3, 0.0]))
    tokens = [token for token in HardExampleSampler(size, catalogue, ratio=0.5) if token.key is not None]
    shares = np.bincount([token.index for token in tokens], minlength=3) / len(tokens)
    assert abs(shares[0] - 0.7) < 0.03
    assert shares[2] == 0
    for parent in (0, 1):
        uses = np.unique([token.key for token in tokens if token.index == parent], return_counts=True)[1]
        assert max(uses) - min(uses) <= 1


def test_tokens_are_drawn_lazily() -> None:
    catalogue = Catalogue()
    sampler = HardExampleSampler(8, catalogue, ratio=0.5, shuffle=False)
    passing = iter(sampler)
    assert [next(passing) for _ in range(2)] == [Token(0), Token(1)]
    catalogue.add(5, b"k" * 16)
    catalogue.publish()
    assert [next(passing) for _ in range(2)] == [Token(2), Token(5, b"k" * 16)]
    assert sampler.state_dict() == {
        "seed": 0,
        "epoch": 0,
        "position": 4,
        "real": 3,
        "synthetic": 1,
        "shortfall": 1,
    }


def test_it_is_a_distributed_sampler_so_frameworks_leave_it_alone() -> None:
    assert isinstance(HardExampleSampler(2, Catalogue(), ratio=0), DistributedSampler)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"ratio": 1.0}, r"ratio must be in \[0, 1\), got 1.0"),
        ({"ratio": -0.1}, r"ratio must be in \[0, 1\), got -0.1"),
        ({"ratio": 0.9999997}, "keep a millionth from both ends, got 0.9999997"),
        ({"ratio": 1e-7}, "keep a millionth from both ends, got 1e-07"),
        ({"ratio": 0.1, "mixing": "add"}, "mixing must be 'replace' or 'extend', got 'add'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        HardExampleSampler(4, Catalogue(), **arguments)


def test_an_empty_dataset_and_a_foreign_state_are_refused() -> None:
    with pytest.raises(ConfigError, match="the dataset is empty"):
        HardExampleSampler(0, Catalogue(), ratio=0.1)
    with pytest.raises(ConfigError, match="taken with seed 1, this sampler has 0"):
        HardExampleSampler(4, Catalogue(), ratio=0).load_state_dict(
            HardExampleSampler(4, Catalogue(), ratio=0, seed=1).state_dict()
        )
