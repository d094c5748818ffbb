from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import DrawnAnnotation
from genaug_data.sample import Sample, Target

RED, BLUE = (255, 0, 0), (0, 0, 255)


def drawn(target: Target, **settings: object) -> torch.Tensor:
    image = torch.zeros(3, 12, 16, dtype=torch.uint8)
    return DrawnAnnotation({1: RED, 2: BLUE}, **settings).image(Sample(image, target))


def coloured(colour: tuple[int, ...], drawing: torch.Tensor) -> set[tuple[int, int]]:
    wanted = torch.tensor(colour).float()[:, None, None] / 255
    return {tuple(place) for place in (drawing == wanted).all(0).nonzero().tolist()}


def test_each_pixel_of_a_mask_has_the_colour_of_its_class() -> None:
    mask = torch.randint(0, 3, (12, 16), generator=torch.Generator().manual_seed(0))
    drawing = drawn(mask)
    for label, colour in ((0, (0, 0, 0)), (1, RED), (2, BLUE)):
        assert coloured(colour, drawing) == {tuple(place) for place in (mask == label).nonzero().tolist()}


def test_classes_without_a_colour_have_one_of_their_own() -> None:
    colours = {tuple(DrawnAnnotation().colour(label).tolist()) for label in range(40)}
    assert len(colours) == 40


def test_boxes_are_outlines_and_what_lies_outside_is_left_out() -> None:
    target = {
        "boxes": torch.tensor([[2.2, 1.0, 9.5, 8.0], [11.0, 6.0, 40.0, 40.0]]),
        "labels": torch.tensor([1, 2]),
    }
    drawing = drawn(target, width=1)
    expected = {
        (row, column)
        for row in range(12)
        for column in range(16)
        if 1 <= row < 8 and 2 <= column < 10 and (row in (1, 7) or column in (2, 9))
    }
    assert coloured(RED, drawing) == expected
    assert coloured(BLUE, drawing) == {(6, x) for x in range(11, 16)} | {(y, 11) for y in range(6, 12)}


@pytest.mark.parametrize("named", [True, False])
def test_points_are_disks(named: bool) -> None:
    points = torch.tensor([[4.5, 3.5], [15.5, 11.5]])
    target: Target = {"points": points, "labels": torch.tensor([1, 1])} if named else points
    expected = {
        (row, column)
        for row in range(12)
        for column in range(16)
        if any((row - y) ** 2 + (column - x) ** 2 <= 1.5**2 for x, y in ((4, 3), (15, 11)))
    }
    assert coloured(RED, drawn(target, width=1)) == expected


@pytest.mark.parametrize("target", [3, "a cat", torch.zeros(5, 3)])
def test_what_has_no_place_in_the_image_is_said(target: Target) -> None:
    with pytest.raises(GeneratorError, match="needs a mask, boxes or points"):
        drawn(target)


def test_settings_that_are_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="three numbers"):
        DrawnAnnotation({1: (0, 0, 256)})
    with pytest.raises(ConfigError, match="at least 1 pixel"):
        DrawnAnnotation(width=0)
