import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genaug_data.copies.geometry import IDENTITY, look, matrices, tiles, views
from genaug_data.seeding import torch_generator


def test_a_matrix_maps_the_corners_of_the_frame_where_trigonometry_does():
    frame = (0.5, 0.25, 30.0, 0.1, -0.2)
    [matrix] = matrices([frame])
    for x, y in ((-1, -1), (1, -1), (0, 0), (0.3, 1)):
        found = matrix @ torch.tensor([x, y, 1.0])
        # The angle turns the unit frame before its sides are scaled per column.
        cos, sin = math.cos(math.radians(30)), math.sin(math.radians(30))
        assert found.tolist() == pytest.approx(
            [cos * 0.5 * x - sin * 0.25 * y + 0.1, sin * 0.5 * x + cos * 0.25 * y - 0.2]
        )


def test_views_are_the_whole_two_turns_and_crops_inside_the_image():
    found = views()
    assert len(found) == len(set(found)) == 28
    assert found[0] == IDENTITY
    assert sorted(angle for *_, angle, _, _ in found if angle) == [-8, 8]
    for width, height, angle, x, y in found[3:]:
        assert (angle, width) == (0, height)
        assert abs(x) + width <= 1 + 1e-9
        assert abs(y) + height <= 1 + 1e-9


@given(st.floats(0.1, 1.5), st.floats(0.1, 1.5))
def test_tiles_cover_the_image_at_steps_of_a_tenth_of_their_size(height, width):
    found = tiles(height, width)
    if min(height, width) > 0.8:
        assert found == []
        return
    wide, high = min(1, max(0.25, width)), min(1, max(0.25, height))
    assert {frame[:3] for frame in found} == {(wide, high, 0.0)}
    for place, size in ((3, wide), (4, high)):
        steps = sorted({frame[place] for frame in found})
        assert steps[0] == pytest.approx(-(1 - size))
        assert steps[-1] == pytest.approx(1 - size)
        # In units of half the image a tile is 2 size wide.
        assert all(later - before <= 2 * size / 10 + 1e-9 for before, later in pairwise(steps))


def test_look_shows_the_quarters_of_an_image():
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    quarters = matrices([(0.5, 0.5, 0.0, x, y) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
    seen = look(image, quarters, 1)[0, :, 0, 0, 0]
    assert seen.tolist() == pytest.approx(
        [float(image[0, 0, r : r + 2, c : c + 2].mean()) for r in (0, 2) for c in (0, 2)]
    )


def test_look_is_a_bilinear_sample_at_four_points_averaged():
    image = torch.rand(1, 1, 9, 7, generator=torch_generator(0))
    frame = (0.6, 0.5, 20.0, 0.1, -0.1)
    seen = look(image, matrices([frame]), 3)[0, 0, 0]
    cos, sin = math.cos(math.radians(20)), math.sin(math.radians(20))
    for row in range(3):
        for column in range(3):
            total = 0.0
            for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
                x, y = (2 * column + j + 0.5) / 3 - 1, (2 * row + i + 0.5) / 3 - 1
                across = ((cos * 0.6 * x - sin * 0.5 * y + 0.1) + 1) * 7 / 2 - 0.5
                down = ((sin * 0.6 * x + cos * 0.5 * y - 0.1) + 1) * 9 / 2 - 0.5
                for v in (math.floor(down), math.floor(down) + 1):
                    for h in (math.floor(across), math.floor(across) + 1):
                        total += float(image[0, 0, v, h]) * (1 - abs(down - v)) * (1 - abs(across - h)) / 4
            assert float(seen[row, column]) == pytest.approx(total, abs=1e-5)


def test_look_keeps_images_and_frames_apart():
    images = torch.rand(3, 2, 8, 8, generator=torch_generator(1))
    frames = matrices(views()[:5])
    together = look(images, frames, 4)
    assert together.shape == (3, 5, 2, 4, 4)
    for place in range(3):
        for number in range(5):
            alone = look(images[place : place + 1], frames[number : number + 1], 4)[0, 0]
            torch.testing.assert_close(together[place, number], alone)
