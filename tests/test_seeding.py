from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.seeding import derive, numpy_generator, permutation, torch_generator, uniforms

_MASK = 2**64 - 1


def _splitmix(seed: int, counter: int) -> float:
    mixed = (seed + (counter + 1) * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    mixed ^= mixed >> 31
    return (mixed >> 11) / 2**53


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**63 - 1), st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_uniforms_equal_the_scalar_definition(seed: int, counters: list[int]) -> None:
    drawn = uniforms(seed, np.array(counters))
    assert drawn.tolist() == [_splitmix(seed, counter) for counter in counters]
    assert ((drawn >= 0) & (drawn < 1)).all()


def test_uniforms_are_spread_evenly() -> None:
    counts, _ = np.histogram(uniforms(derive(0, "spread"), np.arange(100_000)), bins=10, range=(0, 1))
    assert np.abs(counts - 10_000).max() < 500


@settings(deadline=None, max_examples=50)
@given(st.integers(), st.lists(st.one_of(st.integers(), st.text(), st.binary()), max_size=4))
def test_derive_is_a_function_of_its_whole_path(seed: int, path: list) -> None:
    assert derive(seed, *path) == derive(seed, *path)
    assert 0 <= derive(seed, *path) < 2**63
    assert derive(seed, *path) != derive(seed, *path, 0)
    assert derive(seed, *path) != derive(seed + 1, *path)


def test_derive_tells_types_and_splits_apart() -> None:
    assert len({derive(0, 1), derive(0, "1"), derive(0, b"1"), derive(0, "ab", "c"), derive(0, "a", "bc")}) == 5
    with pytest.raises(TypeError, match="must be int, str or bytes, got float"):
        derive(0, 1.5)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**63 - 1), st.integers(1, 300))
def test_permutation_holds_every_index_once(seed: int, size: int) -> None:
    order = permutation(seed, size)
    assert sorted(order.tolist()) == list(range(size))
    assert order.tolist() == permutation(seed, size).tolist()


def test_no_global_generator_is_touched() -> None:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    derive(0, "x"), uniforms(1, np.arange(3)), permutation(1, 10), numpy_generator(3).random()
    torch.rand(3, generator=torch_generator(5))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()
