from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.pretrained import ClassPrompt, TextToImage
from genaug_data.sample import Recipe, Request, Sample, Target

RECIPE = Recipe(strength=0.5, guidance_scale=2.0, steps=3)


@pytest.mark.parametrize("shape", [(3, 30, 34), (1, 16, 16), (4, 16, 16)])
def test_of_a_parent_only_size_and_class_play_a_part(model: Path, shape: tuple[int, ...]) -> None:
    generator = TextToImage(str(model), prompts=ClassPrompt(["cat", "dog"]), device="cpu")
    dark, light = torch.zeros(shape, dtype=torch.uint8), torch.full(shape, 255, dtype=torch.uint8)
    orders = [Request(0, 0, RECIPE, seed) for seed in (1, 1, 2, 1)]
    parents = [Sample(dark, 0), Sample(light, 0), Sample(dark, 0), Sample(dark, 1)]
    one, same, other_seed, other_class = generator.generate(parents, orders)
    assert one.image.shape == shape
    assert (one.image[:3].int() - same.image[:3].int()).abs().max() <= 1
    assert (one.image[:3] != other_seed.image[:3]).any()
    assert (one.image[:3] != other_class.image[:3]).any()
    assert [made.target for made in (one, other_class)] == [0, 1]


def test_a_variant_does_not_depend_on_its_batch(model: Path) -> None:
    generator = TextToImage(str(model), prompts=ClassPrompt(["cat"]), device="cpu")
    parents = [Sample(torch.zeros(3, 16, 16, dtype=torch.uint8), 0)] * 5
    orders = [Request(number, 0, RECIPE, seed=number) for number in range(5)]
    together = generator.generate(parents, orders)
    alone = [generator.generate([parent], [order])[0] for parent, order in zip(parents, orders, strict=True)]
    assert max(int((a.image.int() - b.image.int()).abs().max()) for a, b in zip(together, alone, strict=True)) <= 1


@pytest.mark.parametrize(
    "target", [torch.zeros(16, 16, dtype=torch.int64), torch.zeros(3, 2), {"boxes": torch.zeros(1, 4)}]
)
def test_what_has_a_place_in_the_image_is_refused(model: Path, target: Target) -> None:
    parent = Sample(torch.zeros(3, 16, 16, dtype=torch.uint8), target)
    with pytest.raises(GeneratorError, match="keeps to no mask, box or point"):
        TextToImage(str(model), device="cpu").generate([parent], [Request(0, 0, RECIPE, 1)])
