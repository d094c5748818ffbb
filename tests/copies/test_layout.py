import math

import pytest
import torch

from genaug_data.copies.layout import EVEN_WIDTH, SIDE, WIDTH, layouts
from genaug_data.seeding import torch_generator


def slow_layout(image):
    red, green, blue = image.tolist()
    mixes = ((0.299, 0.587, 0.114), (0.5, -0.5, 0.0), (0.25, 0.25, -0.5))
    places = [(c, v, h) for c in range(3) for v in range(6) for h in range(6) if 0 < v + h <= (6, 3, 3)[c]]
    numbers = []
    for channel, v, h in sorted(places, key=lambda place: place[2] % 2):
        length = math.sqrt(sum(weight**2 for weight in mixes[channel]))
        total = 0.0
        for y in range(6):
            for x in range(6):
                value = sum(w * part[y][x] for w, part in zip(mixes[channel], (red, green, blue), strict=True)) / length
                total += value * math.cos(math.pi / 6 * v * (y + 0.5)) * math.cos(math.pi / 6 * h * (x + 0.5))
        total *= (math.sqrt(2 / 6) if v else math.sqrt(1 / 6)) * (math.sqrt(2 / 6) if h else math.sqrt(1 / 6))
        numbers.append(total * math.hypot(v, h) ** 0.5 * (1.5 if channel else 1.0))
    return [number / math.sqrt(sum(n**2 for n in numbers) + 0.05**2) for number in numbers]


def test_a_layout_is_the_weighted_cosine_transform():
    images = torch.rand(3, 3, SIDE, SIDE, generator=torch_generator(0))
    for image, found in zip(images, layouts(images), strict=True):
        assert found.tolist() == pytest.approx(slow_layout(image), abs=1e-5)


def test_mirroring_changes_the_sign_of_the_last_numbers_alone():
    image = torch.rand(3, SIDE, SIDE, generator=torch_generator(1))
    there, mirrored = layouts(torch.stack([image, image.flip(2)]))
    assert len(there) == WIDTH == 43
    assert torch.allclose(there[:EVEN_WIDTH], mirrored[:EVEN_WIDTH], atol=1e-6)
    assert torch.allclose(there[EVEN_WIDTH:], -mirrored[EVEN_WIDTH:], atol=1e-6)


def test_brightness_and_contrast_hardly_count_and_no_contrast_is_no_layout():
    image = torch.rand(3, SIDE, SIDE, generator=torch_generator(2))
    there, fainter, flat = layouts(torch.stack([image, image * 0.5 + 0.3, torch.full_like(image, 0.7)]))
    assert float(there @ fainter) > 0.99
    assert float(flat.norm()) < 1e-4
