import math

import pytest
import torch

from genaug_data.generators.affine import random_affine
from genaug_data.seeding import torch_generator


def disc(row, column, size=33):
    """A soft disc on black, whose centre of mass tells where it went."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8.0).view(1, 1, size, size)


def centre(image):
    image = image[0]
    places = torch.arange(len(image), dtype=torch.float32)
    return ((image.sum(1) * places).sum() / image.sum()).item(), ((image.sum(0) * places).sum() / image.sum()).item()


def test_discs_go_where_the_drawn_map_sends_them():
    count, size = 40, 33
    images = disc(12, 19).expand(count, 1, size, size)
    moved = random_affine(images, torch_generator(3), 0.5)
    drawn = (2 * torch.rand(5, count, generator=torch_generator(3)) - 1) * 0.5
    half = size / 2
    for place in range(count):
        angle, grow, shear, right, down = drawn[:, place].tolist()
        angle, grow, shear = 0.25 * angle, 1 + 0.15 * grow, 0.2 * shear
        # What is seen at a place of the result comes from the mapped place of the image: the map is undone here.
        matrix = torch.tensor(
            [
                [math.cos(angle) * grow, shear - math.sin(angle) * grow],
                [math.sin(angle) * grow, math.cos(angle) * grow],
            ]
        )
        start = torch.tensor([(19 + 0.5) / half - 1, (12 + 0.5) / half - 1])
        column, row = (torch.linalg.inv(matrix) @ (start - torch.tensor([0.15 * right, 0.15 * down])) + 1) * half - 0.5
        found = centre(moved[place])
        assert found == (pytest.approx(row.item(), abs=0.15), pytest.approx(column.item(), abs=0.15))


def test_amount_zero_moves_nothing_and_a_larger_one_moves_more():
    images = torch.rand(16, 2, 9, 9, generator=torch_generator(0))
    away = [(random_affine(images, torch_generator(1), amount) - images).abs().mean().item() for amount in (0, 0.3, 1)]
    assert away[0] < 1e-5
    assert away[0] < away[1] < away[2]


def test_channels_of_an_image_move_together_and_images_do_not():
    one = torch.rand(1, 1, 9, 9, generator=torch_generator(0))
    moved = random_affine(one.expand(3, 2, 9, 9), torch_generator(1), 1.0)
    assert moved[:, 0].equal(moved[:, 1])
    assert not moved[0].equal(moved[1])


def test_what_comes_from_outside_repeats_the_border():
    assert random_affine(torch.full((4, 1, 8, 8), 0.25), torch_generator(2), 1.0).sub(0.25).abs().max() < 1e-6
