import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genaug_data.copies.perceptual import _ROUNDING, EVEN_WIDTH, FREQUENCIES, dct_signs, describe, thumbnails
from genaug_data.seeding import torch_generator


def photo(seed, shape=(3, 32, 32)):
    """A smooth random image: a few low frequencies, so that it is like a photograph."""
    coarse = torch.rand(1, shape[0], 5, 5, generator=torch_generator(seed))
    smooth = torch.nn.functional.interpolate(coarse, shape[1:], mode="bicubic")[0]
    return smooth.clamp(0, 1).mul(255).round().byte()


def slow_thumbnail(image):
    channels, height, width = image.shape
    weights = {3: [0.299, 0.587, 0.114], 4: [0.299, 0.587, 0.114, 0]}.get(channels, [1 / channels] * channels)
    rows = []
    for i in range(16):
        top, bottom = i * height // 16, -(-(i + 1) * height // 16)
        row = []
        for j in range(16):
            left, right = j * width // 16, -(-(j + 1) * width // 16)
            total = sum(
                weights[c] * int(image[c, y, x]) / 255
                for c in range(channels)
                for y in range(top, bottom)
                for x in range(left, right)
            )
            row.append(total / ((bottom - top) * (right - left)))
        rows.append(row)
    return rows


def slow_coefficient(small, v, h):
    return sum(
        float(small[y][x]) * math.cos(math.pi * v * (y + 0.5) / 16) * math.cos(math.pi * h * (x + 0.5) / 16)
        for y in range(16)
        for x in range(16)
    )


def slow_distance(a, b):
    """Mean of the image distance and of the hash distance, by loops; for images that are not mirrored."""
    vectors, hashes = [], []
    for image in (a, b):
        small = slow_thumbnail(image)
        values = [value for row in small for value in row]
        mean = sum(values) / 256
        scale = 2 * math.sqrt(sum((value - mean) ** 2 for value in values) + (16 * 2 / 255) ** 2)
        vectors.append([(value - mean) / scale for value in values])
        coefficients = [slow_coefficient(small, v, h) for v, h in FREQUENCIES]
        hashes.append([0 if abs(value) < 1e-4 else math.copysign(1, value) for value in coefficients])
    image_distance = sum((x - y) ** 2 for x, y in zip(*vectors, strict=True))
    hash_distance = sum((x - y) ** 2 / 4 for x, y in zip(*hashes, strict=True)) / 64
    return (image_distance + hash_distance) / 2


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 20, 33), (4, 16, 16), (2, 40, 17), (3, 1, 1)])
def test_thumbnails_are_grey_area_averages(shape):
    image = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(3))
    torch.testing.assert_close(thumbnails([image])[0], torch.tensor(slow_thumbnail(image)))


def test_thumbnails_of_mixed_shapes_keep_their_order():
    images = [photo(0), photo(1, (1, 8, 8)), photo(2), photo(3, (1, 8, 8))]
    together = thumbnails(images)
    for image, small in zip(images, together, strict=True):
        torch.testing.assert_close(small, thumbnails([image])[0])
    assert thumbnails([]).shape == (0, 16, 16)


def test_the_hash_is_the_signs_of_the_64_lowest_frequencies_without_the_mean():
    assert len(set(FREQUENCIES)) == 64
    assert (0, 0) not in FREQUENCIES
    highest = max(v + h for v, h in FREQUENCIES)
    below = [(v, h) for v in range(16) for h in range(16) if 0 < v + h < highest]
    assert set(below) <= set(FREQUENCIES)
    noise = torch.rand(4, 16, 16, generator=torch_generator(0))
    for small, signs in zip(noise, dct_signs(noise), strict=True):
        expected = [math.copysign(1, slow_coefficient(small.tolist(), v, h)) for v, h in FREQUENCIES]
        assert signs.tolist() == expected


def test_coefficients_that_vanish_have_no_sign():
    flat = torch.full((1, 16, 16), 0.3)
    assert not dct_signs(flat).any()
    symmetric = torch.rand(1, 16, 8, generator=torch_generator(0))
    signs = dct_signs(torch.cat([symmetric, symmetric.flip(2)], dim=2))[0]
    assert [bool(sign) for sign in signs] == [h % 2 == 0 for _, h in FREQUENCIES]


@pytest.mark.parametrize("shapes", [((3, 16, 16), (3, 16, 16)), ((1, 8, 8), (3, 24, 20))])
def test_the_squared_distance_of_descriptors_is_the_mean_of_both_distances(shapes):
    a, b = (
        torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(seed))
        for seed, shape in enumerate(shapes)
    )
    here, there = describe([a, b])
    assert here.shape == (320,)
    assert float((here - there).square().sum()) == pytest.approx(slow_distance(a, b), abs=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_mirroring_negates_the_columns_after_the_even_ones(seed):
    image = photo(seed)
    small = thumbnails([image])[0].tolist()
    # At the bound between a sign and none, rounding decides.
    assume(all(abs(abs(slow_coefficient(small, v, h)) - _ROUNDING) > 1e-6 for v, h in FREQUENCIES))
    there, mirrored = describe([image, image.flip(2)])
    torch.testing.assert_close(mirrored[:EVEN_WIDTH], there[:EVEN_WIDTH], atol=1e-5, rtol=0)
    torch.testing.assert_close(mirrored[EVEN_WIDTH:], -there[EVEN_WIDTH:], atol=1e-5, rtol=0)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_distances_lie_in_0_to_1_and_see_neither_brightness_nor_size(first, second):
    a, b = photo(first), photo(second)
    brighter = (a // 2) + 60
    larger = a.repeat_interleave(2, 1).repeat_interleave(2, 2)
    points = describe([a, b, brighter, larger, 255 - a])
    distances = torch.cdist(points, points).square()
    assert float(distances.min()) >= 0
    assert float(distances.max()) <= 1 + 1e-5
    assert float(distances[0, 3]) < 1e-5
    assert float(distances[0, 2]) < 0.05
    assert float(distances[0, 4]) > 0.4
