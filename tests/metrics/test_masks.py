from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.features import Pixels
from genaug_data.metrics import MaskLayout, Rendered
from genaug_data.metrics.masks import ClassPixels
from genaug_data.seeding import torch_generator

IGNORED = 255


def some_masks(count: int = 3, height: int = 9, width: int = 7, classes: int = 4) -> torch.Tensor:
    masks = torch.randint(0, classes + 1, (count, height, width), generator=torch_generator(5))
    return masks.masked_fill(masks == classes, IGNORED)


def slow(mask: torch.Tensor, classes: int, grid: int) -> list[float]:
    height, width = mask.shape
    pixels = mask.tolist()
    found = []
    for down in range(grid):
        for across in range(grid):
            cell = [
                pixels[y][x]
                for y in range(height)
                for x in range(width)
                if y * grid // height == down and x * grid // width == across
            ]
            found += [cell.count(number) / max(1, len(cell)) for number in range(classes)]
    pairs = [(pixels[y][x], pixels[y][x + 1]) for y in range(height) for x in range(width - 1)]
    pairs += [(pixels[y][x], pixels[y + 1][x]) for y in range(height - 1) for x in range(width)]
    pairs = [pair for pair in pairs if IGNORED not in pair]
    return found + [sum((a == c) != (b == c) for a, b in pairs) / max(1, len(pairs)) for c in range(classes)]


@pytest.mark.parametrize("grid", [1, 2, 4, 8])
def test_a_layout_is_what_slow_loops_count(grid: int) -> None:
    masks = some_masks()
    found = MaskLayout(4, grid=grid)(masks)
    assert found.shape == (3, 4 * (grid**2 + 1))
    for mask, row in zip(masks, found.tolist(), strict=True):
        assert row == pytest.approx([share**0.5 for share in slow(mask, 4, grid)])


def test_a_mask_of_nothing_but_the_ignore_index_and_one_of_a_single_pixel() -> None:
    assert MaskLayout(2, grid=2)(torch.full((1, 4, 4), IGNORED)).tolist() == [[0.0] * 10]
    assert MaskLayout(2, grid=1, ignore_index=-1)(torch.tensor([[[1]]])).tolist() == [[0.0, 1.0, 0.0, 0.0]]


def test_shares_do_not_depend_on_the_size_of_the_mask() -> None:
    masks = some_masks(height=8, width=8)
    larger = masks.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert torch.allclose(MaskLayout(4)(masks)[:, :64], MaskLayout(4)(larger)[:, :64])


def test_pixels_of_classes_are_counted() -> None:
    masks = some_masks()
    wanted = [[mask.flatten().tolist().count(number) for number in range(4)] for mask in masks]
    assert ClassPixels(4)(masks).tolist() == wanted


def test_ids_that_are_no_class_are_refused() -> None:
    for part in (ClassPixels(3), MaskLayout(3)):
        with pytest.raises(DataError, match=r"in \[0, 3\) or the ignore index, 255, found 3"):
            part(torch.tensor([[[0, 3]]]))
        with pytest.raises(DataError, match="found -1"):
            part(torch.tensor([[[-1, 255]]]))
    assert ClassPixels(3, ignore_index=-1)(torch.tensor([[[-1, 2]]])).tolist() == [[0, 0, 1]]
    with pytest.raises(ConfigError, match="classes must be a whole number from 2 on, got 1"):
        ClassPixels(1)
    with pytest.raises(ConfigError, match="none of the 3 class ids from 0 on, got 2"):
        MaskLayout(3, ignore_index=2)
    with pytest.raises(ConfigError, match="grid must be at least 1, got 0"):
        MaskLayout(3, grid=0)


def test_drawings_have_the_colours_of_pascal_voc() -> None:
    colours = {
        0: (0, 0, 0),
        1: (128, 0, 0),
        2: (0, 128, 0),
        15: (192, 128, 128),
        20: (0, 64, 128),
        255: (224, 224, 192),
    }
    seen = Rendered(lambda images: images.flatten(1).float())
    for number, colour in colours.items():
        assert seen(torch.tensor([[[number]]]))[0].tolist() == list(colour)
    assert Rendered(Pixels(2))(some_masks()).shape == (3, 12)
