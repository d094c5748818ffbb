"""Keys and content hashes: the same ones in every version, equal exactly for what is equal."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Mask

from genaug_data.sample import Recipe, Sample, content_hash, variant_key

RAMP = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2)

DTYPES = [torch.uint8, torch.int32, torch.int64, torch.float32, torch.float64, torch.bool]


def tensors(most: int = 1) -> st.SearchStrategy[torch.Tensor]:
    shapes = st.sampled_from([(), (0,), (1,), (2,), (1, 2), (2, 1), (0, 4), (4, 0)])
    return st.builds(
        lambda shape, dtype, value: torch.full(shape, value).to(dtype),
        shapes, st.sampled_from(DTYPES), st.integers(0, most),
    )  # fmt: skip


# Few values, so that equal ones are drawn often.
TARGETS = st.one_of(
    st.integers(-1, 1),
    st.sampled_from(["", "0", "1", "a", "\ud800", "\N{SNOWMAN}", "int 0 ", "' "]),
    tensors(),
    st.dictionaries(st.sampled_from(["a", "b", "'"]), tensors(0), max_size=2),
)
SAMPLES = st.builds(
    lambda shape, value, target: Sample(torch.full(shape, value, dtype=torch.uint8), target),
    st.sampled_from([(1, 1, 2), (1, 2, 1)]), st.integers(0, 1), TARGETS,
)  # fmt: skip


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Sample):
        return equal(one.image, other.image) and equal(one.target, other.target)
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, Mapping):
        return isinstance(other, Mapping) and set(one) == set(other) and all(equal(one[k], other[k]) for k in one)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (7, "15df926998a4229c661dac46e5e84d6e"),
        ("a cat \N{SNOWMAN}", "a037636d86ace83342844614df421d86"),
        (torch.tensor([[0, 1], [2, 255]]), "91d0c31173e02b69e9aa688c87106077"),
        (Mask(torch.tensor([[0, 1], [2, 255]])), "91d0c31173e02b69e9aa688c87106077"),
        (
            {"labels": torch.tensor([1]), "boxes": torch.tensor([[0.0, 0.5, 1.0, 2.0]])},
            "b633bdb240e8fb87db52996f3f799139",
        ),
        ({"boxes": torch.zeros(0, 4)}, "bd8863d474b4e2b1eb57ea3211b14dd7"),
    ],
)
def test_content_hashes_are_those_of_the_first_version(target: Any, expected: str) -> None:
    assert content_hash(Sample(RAMP, target)).hex() == expected


@pytest.mark.parametrize(
    ("recipe", "seed", "expected"),
    [
        (Recipe(), 1, "7cd0c4da195fffe9898f42cbac1635a1"),
        (Recipe(strength=0.5, guidance_scale=1.0, steps=4), 2**63 - 1, "da229727cc78400f91f30126d02a89c6"),
    ],
)
def test_keys_are_those_of_the_first_version(recipe: Recipe, seed: int, expected: str) -> None:
    assert variant_key(bytes(range(16)), "model \N{SNOWMAN}", recipe, seed).hex() == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(SAMPLES, min_size=8, max_size=16))
def test_content_hashes_are_equal_exactly_for_equal_samples(samples: list[Sample]) -> None:
    hashes = [content_hash(sample) for sample in samples]
    for (one, its), (other, others) in itertools.combinations(zip(samples, hashes, strict=True), 2):
        assert (its == others) == equal(one, other), (one, other)


def test_a_number_is_not_a_row_of_one() -> None:
    hashes = {content_hash(Sample(RAMP, torch.ones(shape))) for shape in ((), (1,), (1, 1))}
    assert len(hashes) == 3


KEYED = st.tuples(
    st.binary(max_size=2),
    st.text(max_size=2),
    st.builds(Recipe, strength=st.sampled_from([0.5, 1.0])),
    st.integers(0, 2),
)


@settings(deadline=None, max_examples=100)
@given(KEYED, KEYED)
def test_keys_are_equal_exactly_for_equal_orders(one: tuple, other: tuple) -> None:
    assert (variant_key(*one) == variant_key(*other)) == (one == other)
