"""Draws are pure functions, and stay the ones they are: a run of last year can be repeated."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.seeding import derive, numpy_generator, permutation, torch_generator, uniforms
from genaug_data.testing.rules import global_seed

SEEDS = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize(
    ("seed", "path", "expected"),
    [
        (0, (), 7552799593083971110),
        (0, ("epoch", 3), 1711790592669556906),
        (7, (b"key", -1), 4280321749084601507),
        (-(2**70), ("\N{SNOWMAN}", 2**70), 89820767571933168),
        (np.int64(7), (b"key", np.int32(-1)), 4280321749084601507),
    ],
)
def test_derived_seeds_are_those_of_the_first_version(seed: int, path: tuple, expected: int) -> None:
    assert derive(seed, *path) == expected


def test_other_draws_are_those_of_the_first_version() -> None:
    assert uniforms(5, np.array([0, 1, 2**40])).tolist() == [0.386768045983934, 0.7523070158382239, 0.227713869395739]
    assert permutation(5, 8).tolist() == [0, 1, 4, 2, 7, 3, 6, 5]
    assert numpy_generator(5).integers(0, 100, 4).tolist() == [86, 85, 15, 92]
    assert torch.randint(0, 100, (4,), generator=torch_generator(5)).tolist() == [11, 14, 67, 85]


@settings(deadline=None, max_examples=25)
@given(SEEDS, st.lists(st.integers(0, 2**40), min_size=1, max_size=30), st.integers(0, 30), st.randoms())
def test_a_uniform_draw_depends_on_its_own_counter_alone(
    seed: int, counters: list[int], cut: int, order: random.Random
) -> None:
    whole = dict(zip(counters, uniforms(seed, np.array(counters)).tolist(), strict=True))
    for part in (counters[:cut], counters[cut:], order.sample(counters, len(counters))):
        assert uniforms(seed, np.array(part, dtype=np.int64)).tolist() == [whole[counter] for counter in part]
    column = np.array(counters, dtype=np.uint64)[:, None]
    assert uniforms(seed, column).shape == column.shape
    assert uniforms(seed, column)[:, 0].tolist() == [whole[counter] for counter in counters]


@settings(deadline=None, max_examples=10)
@given(SEEDS, st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_draws_neither_read_nor_change_a_global_generator(seed: int, size: int, stirring: int) -> None:
    expected = derive(seed, "x"), permutation(seed, size).tolist(), uniforms(seed, np.arange(size)).tolist()
    with global_seed(stirring):
        before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
        assert (derive(seed, "x"), permutation(seed, size).tolist()) == expected[:2]
        assert uniforms(seed, np.arange(size)).tolist() == expected[2]
        assert torch.get_rng_state().equal(before[0])
        assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]


@settings(deadline=None, max_examples=25)
@given(SEEDS, SEEDS)
def test_other_seeds_draw_otherwise(one: int, other: int) -> None:
    counters = np.arange(8)
    assert (uniforms(one, counters) == uniforms(other, counters)).all() == (one == other)
    assert (permutation(one, 40) == permutation(other, 40)).all() == (one == other)
