import numpy as np
import pytest

from genaug_data.copies import registration, view_index
from genaug_data.copies.geometry import views
from genaug_data.copies.measures import Registered, registered
from tests.copies.scenes import images_of, resized, scenes, through, turned

KNOWN = images_of(scenes(30, 0))


def measure_of(*groups):
    measure = Registered()
    for images in groups:
        measure.add(images)
    return measure


@pytest.fixture(scope="module")
def measure():
    return measure_of(KNOWN[:20], KNOWN[20:])


def cropped(image, left, top, side):
    return resized(image[:, top : top + side, left : left + side], (32, 32))


def test_copies_and_mirror_images_have_no_distance(measure):
    distances, rows = measure.nearest([*KNOWN, *(image.flip(2) for image in KNOWN)])
    assert rows.tolist() == [*range(30), *range(30)]
    assert distances.max() < 0.01


@pytest.mark.parametrize(("left", "top", "side"), [(0, 0, 23), (9, 9, 23), (4, 7, 24), (2, 3, 28), (9, 1, 23)])
def test_crops_are_found_as_is_and_mirrored(measure, left, top, side):
    crops = [cropped(image, left, top, side) for image in KNOWN]
    for images in (crops, [crop.flip(2) for crop in crops]):
        distances, rows = measure.nearest(images)
        assert (rows == np.arange(30)).mean() > 0.9
        assert np.median(distances) < 0.02


def test_unlike_images_are_far(measure):
    distances, _ = measure.nearest(images_of(scenes(60, 5)))
    assert np.median(distances) > 0.1
    assert distances.min() > 0.02


def test_sizes_shapes_and_channels_may_differ(measure):
    wide = resized(KNOWN[3], (48, 80))
    grey = KNOWN[4].float().mean(0, keepdim=True).byte()
    distances, rows = measure.nearest([wide, KNOWN[5], grey])
    assert rows[:2].tolist() == [3, 5]
    assert distances[:2].max() < 0.05
    tiny = [resized(image, (8, 8)) for image in KNOWN[:3]]
    assert measure_of(tiny).nearest([tiny[2]])[1].tolist() == [2]


def test_images_do_not_depend_on_their_batch_nor_on_blocks(measure, monkeypatch):
    queries = images_of(scenes(7, 8)) + KNOWN[:3]
    together = measure.nearest(queries)
    alone = [measure.nearest([query]) for query in queries]
    np.testing.assert_allclose(together[0], np.concatenate([found[0] for found in alone]), atol=1e-5)
    monkeypatch.setattr(view_index, "_BLOCK", 16)
    blocks = measure.nearest(queries)
    np.testing.assert_allclose(together[0], blocks[0], atol=1e-5)
    assert together[1].tolist() == blocks[1].tolist()


def test_rounded_numbers_find_what_exact_ones_do(monkeypatch):
    crops = [cropped(image, 3, 5, 24) for image in KNOWN]
    found = []
    for has_bfloat16 in (False, True):
        monkeypatch.setattr(registered, "has_bfloat16", lambda has=has_bfloat16: has)
        found.append(measure_of(KNOWN).nearest(crops))
    assert (found[0][1] == found[1][1]).mean() > 0.95
    assert np.median(np.abs(found[0][0] - found[1][0])) < 1e-4


def test_a_row_that_is_left_out_does_not_count(measure):
    distances, rows = measure.nearest(KNOWN, np.arange(30))
    assert (rows != np.arange(30)).all()
    assert distances.min() > 0.02
    assert measure_of(KNOWN[:1]).nearest(KNOWN[:1], np.array([0]))[0].tolist() == [1.0]


@pytest.mark.parametrize("degrees", [-10, -3, 5, 10])
def test_turned_images_are_found_as_is_and_mirrored(measure, degrees):
    images = [turned(image, degrees) for image in KNOWN]
    for queries in (images, [image.flip(2) for image in images]):
        distances, rows = measure.nearest(queries)
        assert (rows == np.arange(30)).mean() > 0.9
        assert np.median(distances) < 0.02


def test_rounded_and_exact_numbers_agree_on_every_crop_turn_and_mirror_image(monkeypatch):
    queries = [cropped(image, 1, 6, 25) for image in KNOWN] + [turned(image, 6).flip(2) for image in KNOWN]
    found = []
    for has_bfloat16 in (False, True):
        monkeypatch.setattr(registered, "has_bfloat16", lambda has=has_bfloat16: has)
        found.append(measure_of(KNOWN).nearest(queries))
    assert found[0][1].tolist() == found[1][1].tolist() == [*range(30), *range(30)]


@pytest.mark.parametrize("mirrored", [False, True])
def test_registration_starts_at_the_view_that_is_seen(monkeypatch, measure, mirrored):
    monkeypatch.setattr(registration, "STEPS", 0)
    shown = [through(KNOWN[place], frame) for place, frame in enumerate(views())]
    distances, rows = measure.nearest([image.flip(2) if mirrored else image for image in shown])
    assert rows.tolist() == [*range(28)]
    assert distances.max() < 0.02


@pytest.mark.parametrize("size", [48, 64, 128])
def test_a_crop_is_found_at_any_size(measure, size):
    crops = [resized(cropped(image, 4, 7, 24), (size, size)) for image in KNOWN]
    distances, rows = measure.nearest(crops)
    assert (rows == np.arange(30)).mean() > 0.9
    assert np.median(distances) < 0.02
