from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.base import Refusal
from genaug_data.generators.pretrained import Inpainting
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator

RECIPE = Recipe(strength=0.8, guidance_scale=2.0, steps=5)


@pytest.mark.parametrize("shape", [(3, 30, 34), (1, 16, 16), (4, 16, 16)])
def test_only_the_pixels_of_the_classes_change(model: Path, shape: tuple[int, ...]) -> None:
    generator = Inpainting(str(model), classes=[2, 5], device="cpu")
    image = torch.randint(0, 255, shape, dtype=torch.uint8, generator=torch_generator(0))
    mask = torch.zeros(shape[1:], dtype=torch.int64)
    mask[2:9, 3:11], mask[12:, 12:], mask[0, 0] = 2, 5, 7
    parents = [Sample(image, mask)] * 2
    made = generator.generate(parents, [Request(0, number, RECIPE, seed=number) for number in range(2)])
    region = (mask == 2) | (mask == 5)
    for child in made:
        assert child.target is mask
        assert child.image[:, ~region].equal(image[:, ~region])
        changed = child.image[:3, region] != image[:3, region]
        assert changed.float().mean() > 0.5
    assert (made[0].image != made[1].image).any()


def test_a_class_id_has_no_region(model: Path) -> None:
    generator = Inpainting(str(model), classes=[1], device="cpu")
    with pytest.raises(GeneratorError, match="read from a mask"):
        generator.generate([Sample(torch.zeros(3, 16, 16, dtype=torch.uint8), 1)], [Request(0, 0, RECIPE, seed=1)])


@pytest.mark.parametrize("outside", [False, True])
def test_the_region_of_boxes_is_every_pixel_that_they_touch(model: Path, outside: bool) -> None:
    generator = Inpainting(str(model), classes=[1], outside=outside, device="cpu")
    image = torch.randint(0, 255, (3, 20, 26), dtype=torch.uint8, generator=torch_generator(1))
    boxes = torch.tensor(
        [[2.5, 3.0, 6.2, 9.0], [10.0, 1.0, 20.0, 15.0], [20.0, 10.0, 30.0, 25.0], [-9.0, 2.0, -3.0, 9.0]]
    )
    target = {"boxes": boxes, "labels": torch.tensor([1, 0, 1, 1])}
    [made] = generator.generate([Sample(image, target)], [Request(0, 0, RECIPE, seed=1)])
    touched = torch.zeros(20, 26, dtype=torch.bool)
    for y in range(20):
        for x in range(26):
            touched[y, x] = any(x + 1 > a and x < c and y + 1 > b and y < d for a, b, c, d in boxes[[0, 2, 3]].tolist())
    kept = touched if outside else ~touched
    assert made.image[:, kept].equal(image[:, kept])
    assert (made.image[:, ~kept] != image[:, ~kept]).float().mean() > 0.5


@pytest.mark.parametrize("outside", [False, True])
def test_a_parent_with_nothing_to_make_anew_is_refused_and_takes_no_time(
    model: Path, outside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Inpainting(str(model), classes=[1, 300], outside=outside, device="cpu")
    image = torch.randint(0, 255, (3, 16, 16), dtype=torch.uint8, generator=torch_generator(2))
    # As a byte, 300 would be 44.
    without, some = torch.full((16, 16), 44, dtype=torch.uint8), torch.zeros(16, 16, dtype=torch.int64)
    some[4:9] = 1
    masks = [torch.ones_like(without) if outside else without, some]
    parents = [Sample(image, mask) for mask in masks]
    orders = [Request(place, 0, RECIPE, seed=place) for place in range(2)]
    refused, made = generator.generate(parents, orders)
    assert isinstance(refused, Refusal)
    assert not refused.made
    assert "of the classes [1, 300], so there is nothing to make anew" in refused.reason
    assert (made.image != image).any()
    [alone] = generator.generate(parents[1:], orders[1:])
    assert (made.image.int() - alone.image.int()).abs().max() <= 1
    monkeypatch.setattr(generator, "_pipeline", None)
    assert generator.generate(parents[:1], orders[:1])[0].reason == refused.reason


@pytest.mark.parametrize(
    ("classes", "sentence"), [([], "at least one id"), (3, "ids of the mask"), (["person"], "ids of the mask")]
)
def test_what_names_no_class_is_refused(model: Path, classes: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Inpainting(str(model), classes=classes)


def test_ids_may_come_as_a_tensor(model: Path) -> None:
    assert (
        Inpainting(str(model), classes=torch.tensor([3, 1])).identity == Inpainting(str(model), classes=[1, 3]).identity
    )
