from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.sample import KEY_BYTES, Provenance, Recipe, Sample, Verdict, content_hash, variant_key

recipes = st.builds(
    Recipe, strength=st.floats(0.05, 1.0), guidance_scale=st.floats(1.0, 9.0), steps=st.integers(1, 100)
)


def _image(value: int, shape: tuple[int, ...] = (1, 2, 2)) -> torch.Tensor:
    return torch.full(shape, value, dtype=torch.uint8)


@settings(deadline=None, max_examples=30)
@given(recipes)
def test_recipe_survives_its_json(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert list(json.loads(recipe.to_json())) == sorted(json.loads(recipe.to_json()))


def test_provenance_survives_its_json() -> None:
    verdicts = (Verdict("validity", 0.75, True), Verdict("leak", 0.0, False, "equal to protected example 3"))
    made = Provenance(7, "00ff", 2, "model", Recipe(0.4), 99, verdicts, 0.25, {"torch": "2.14.1"}, 12.5, "a 7")
    assert Provenance.from_json(made.to_json()) == made


def test_thresholds_and_details_of_verdicts_are_stored_and_amended_samples_are_not() -> None:
    amended = Sample(_image(1), torch.tensor([[0, 255]]))
    verdicts = (
        Verdict("pixel_loss", 0.5, True, "", None, {"ignored_pixels": 3, "ignore_index": 255}, amended),
        Verdict("agreement", 0.5, True, "", 0.1, {"snapshot": "ab", "step": 7}),
        Verdict("pixel_loss", 0.9, True, "", None, {"ignored_pixels": 2, "ignore_index": 255}, amended),
    )
    made = Provenance(7, "00ff", 2, "model", Recipe(0.4), 99, verdicts, 0.25)
    assert "amended" not in made.to_json()
    read = Provenance.from_json(made.to_json())
    assert read == made
    assert [verdict.amended for verdict in read.verdicts] == [None] * 3
    assert [verdict.threshold for verdict in read.verdicts] == [None, 0.1, None]
    assert read.ignored_pixels == 5


@pytest.mark.parametrize(
    "other",
    [
        Sample(_image(2), 3),
        Sample(_image(1), 4),
        Sample(_image(1), "3"),
        Sample(_image(1, (2, 2, 1)), 3),
        Sample(_image(1).int(), 3),
        Sample(_image(1), torch.tensor(3)),
        Sample(_image(1), {"labels": torch.tensor([3])}),
    ],
)
def test_content_hash_tells_samples_apart(other: Sample) -> None:
    assert content_hash(other) != content_hash(Sample(_image(1), 3))
    assert content_hash(other) == content_hash(other)


def test_content_hash_depends_on_values_not_on_memory() -> None:
    strided = torch.arange(16, dtype=torch.uint8).view(1, 4, 4)[:, ::2, ::2]
    assert content_hash(Sample(strided, 0)) == content_hash(Sample(strided.contiguous(), 0))
    boxes, labels = torch.ones(1, 4), torch.tensor([1])
    one = Sample(_image(1), {"boxes": boxes, "labels": labels})
    assert content_hash(one) == content_hash(Sample(_image(1), {"labels": labels, "boxes": boxes}))


@settings(deadline=None, max_examples=30)
@given(recipes, st.integers(0, 2**62), st.binary(min_size=16, max_size=16), st.text(max_size=10))
def test_key_depends_on_each_part_and_on_nothing_else(
    recipe: Recipe, seed: int, parent_hash: bytes, fingerprint: str
) -> None:
    key = variant_key(parent_hash, fingerprint, recipe, seed)
    assert key == variant_key(parent_hash, fingerprint, Recipe.from_json(recipe.to_json()), seed)
    assert len(key) == KEY_BYTES
    others = {
        variant_key(bytes(16 - 1) + b"\x01" if parent_hash == bytes(16) else bytes(16), fingerprint, recipe, seed),
        variant_key(parent_hash, fingerprint + "x", recipe, seed),
        variant_key(parent_hash, fingerprint, Recipe(recipe.strength / 2), seed),
        variant_key(parent_hash, fingerprint, recipe, seed + 1),
    }
    assert len(others) == 4
    assert key not in others
