from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genaug_data.errors import DataError
from genaug_data.report import Family, draw_families
from genaug_data.sample import Sample


def plain(value: int, shape: tuple[int, ...] = (1, 8, 8), target: object = 3) -> Sample:
    return Sample(torch.full(shape, value, dtype=torch.uint8), target)


@pytest.mark.parametrize("channels", [1, 3])
def test_parents_and_children_are_drawn_in_rows(tmp_path: Path, channels: int) -> None:
    shape = (channels, 8, 8)
    families = [
        Family(number, 0.1, plain(40 + number, shape), tuple(plain(100 + 10 * number + c, shape) for c in range(3)))
        for number in range(2)
    ]
    path = draw_families(families, tmp_path / "new" / "families.png", scale=4)
    picture = np.asarray(Image.open(path).convert("RGB"))
    for number in range(2):
        for value in (40 + number, *(100 + 10 * number + child for child in range(3))):
            assert (picture == value).all(2).sum() >= 32 * 32


def test_only_so_many_children_are_drawn(tmp_path: Path) -> None:
    family = Family(0, 0.1, plain(40), tuple(plain(100 + child) for child in range(9)))
    picture = np.asarray(Image.open(draw_families([family], tmp_path / "x.png", most=2)).convert("L"))
    assert (picture == 101).sum() >= 64
    assert (picture == 102).sum() < 64


def test_families_of_different_sizes_and_masks_fit(tmp_path: Path) -> None:
    mask = torch.zeros(20, 30, dtype=torch.int64)
    families = [Family(0, 0.1, plain(9), ()), Family(1, 0.1, plain(50, (3, 20, 30), mask), (plain(60, (3, 20, 30)),))]
    with Image.open(draw_families(families, tmp_path / "x.png", scale=2)) as picture:
        assert picture.height >= 2 * 40


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no family to draw"):
        draw_families([], tmp_path / "x.png")


def test_a_picture_is_no_wider_than_the_largest_family(tmp_path: Path) -> None:
    family = Family(0, 0.1, plain(40), (plain(100),) * 2)
    with Image.open(draw_families([family], tmp_path / "x.png")) as narrow:
        width = narrow.width
    with Image.open(draw_families([Family(0, 0.1, plain(40), (plain(100),) * 5)], tmp_path / "y.png")) as wide:
        assert wide.width == width + 3 * (64 + 4)


def test_the_title_has_room_above_a_single_child(tmp_path: Path) -> None:
    with Image.open(draw_families([Family(0, 0.1, plain(40), (plain(100),))], tmp_path / "x.png")) as picture:
        columns = (np.asarray(picture.convert("L"))[:14] < 128).any(0).nonzero()[0]
        assert columns.max() < picture.width - 2
    assert len(columns) > 60
