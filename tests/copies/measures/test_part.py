import numpy as np
import pytest

from genaug_data.copies import registration
from genaug_data.copies.measures import Part, Registered
from tests.copies.scenes import images_of, pasted, resized, scenes

KNOWN = images_of(scenes(30, 0))


def parts_of(images):
    registered = Registered()
    registered.add(images)
    return Part(registered)


@pytest.fixture(scope="module")
def measure():
    return parts_of(KNOWN)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (13, 32), (32, 17), (5, 9)])
def test_a_part_of_a_larger_image_is_found(measure, top, left):
    larger = [resized(image, (64, 64)) for image in images_of(scenes(30, 6))]
    for place, image in enumerate(larger):
        image[:, top : top + 32, left : left + 32] = KNOWN[place]
    distances, rows = measure.nearest(larger)
    assert (rows == np.arange(30)).mean() > 0.9
    assert np.median(distances) < 0.02


def test_images_that_are_not_larger_are_not_compared(measure):
    distances, _ = measure.nearest([KNOWN[0], resized(KNOWN[1], (36, 36)), resized(KNOWN[2], (20, 34))])
    assert distances.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("mirrored", [False, True])
def test_registration_starts_at_the_tile_that_is_seen(monkeypatch, measure, mirrored):
    monkeypatch.setattr(registration, "STEPS", 0)
    # Steps of tiles go through the corners and the middle.
    shown = [pasted(image, scenes(1, 8)[0].image, *at) for image, at in zip(KNOWN, ((0, 0), (0.5, 1)), strict=False)]
    distances, rows = measure.nearest([image.flip(2) if mirrored else image for image in shown])
    assert rows.tolist() == [0, 1]
    assert distances.max() < 0.02


def test_the_median_size_of_the_set_says_what_a_part_is():
    sizes = [(32, 32)] * 20 + [(200, 200)] * 5
    known = [resized(image, size) for image, size in zip(KNOWN, sizes, strict=False)]
    larger = [pasted(KNOWN[place], scenes(1, 8)[0].image, 0.3, 0.7) for place in range(5)]
    distances, rows = parts_of(known).nearest(larger)
    assert rows.tolist() == list(range(5))
    assert distances.max() < 0.05
