import numpy as np
import pytest
import torch

from genaug_data.copies import registration
from genaug_data.copies.canvas import canvases
from genaug_data.copies.geometry import IDENTITY, SPARSE_VIEWS, look, matrices, tiles, views
from genaug_data.copies.layout import EVEN_WIDTH, SIDE, layouts
from genaug_data.copies.measures import Registered, registered
from genaug_data.copies.registration import smoothed
from tests.copies.scenes import images_of, pasted, resized, scenes, through, turned

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


@pytest.mark.parametrize(("top", "left"), [(0, 0), (13, 32), (32, 17), (5, 9)])
def test_a_part_of_a_larger_image_is_found(measure, top, left):
    larger = [resized(image, (64, 64)) for image in images_of(scenes(30, 6))]
    for place, image in enumerate(larger):
        image[:, top : top + 32, left : left + 32] = KNOWN[place]
    distances, rows = measure.nearest(larger)
    assert (rows == np.arange(30)).mean() > 0.9
    assert np.median(distances) < 0.02


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
    monkeypatch.setattr(registered, "_BLOCK", 16)
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


def slow_candidates(known, image, count, left_out, frames):
    """The rows of largest product of layouts, over views of the known image and tiles of the other, and mirrors."""
    height, width = image.shape[1:]
    parts = [IDENTITY, *tiles(32 / height, 32 / width)]
    canvas = smoothed(canvases([image], round(32 / min(parts[-1][:2]))))
    closeness = []
    for row, each in enumerate(known):
        small = smoothed(canvases([each], 32)).mul(255).round() / 255
        best = -9.0
        for view, part in [(view, IDENTITY) for view in frames] + [(IDENTITY, part) for part in parts[1:]]:
            there = layouts(look(small, matrices([view]), SIDE)[0, 0])
            here = layouts(look(canvas, matrices([part]), SIDE)[0, 0])
            mirrored = torch.cat([here[:EVEN_WIDTH], -here[EVEN_WIDTH:]])
            best = max(best, float(there @ here), float(there @ mirrored))
        closeness.append(-9.0 if row == left_out else best)
    return sorted(range(len(known)), key=lambda row: -closeness[row])[:count]


@pytest.mark.parametrize("block", [1, 1 << 19])
@pytest.mark.parametrize("left_out", [-1, 2])
@pytest.mark.parametrize("size", [32, 64])
def test_the_shortlist_has_the_largest_products_of_layouts(monkeypatch, block, left_out, size):
    monkeypatch.setattr(registered, "_BLOCK", block)
    monkeypatch.setattr(registered, "has_bfloat16", lambda: False)
    monkeypatch.setattr(registered, "_SHORTLIST", 3)
    listed, original = [], Registered._shortlist
    monkeypatch.setattr(Registered, "_shortlist", lambda *given: listed.append(original(*given)) or listed[-1])
    image = KNOWN[2].flip(2) if size == 32 else pasted(KNOWN[2], scenes(1, 8)[0].image, 0.4, 0.6)
    measure_of(KNOWN[:4], KNOWN[4:6]).nearest([image], np.array([left_out]))
    expected = slow_candidates(KNOWN[:6], image, 3, left_out, [views()[view] for view in SPARSE_VIEWS])
    assert sorted(listed[0][0].tolist()) == sorted(expected)
    assert (2 in expected) == (left_out == -1)


@pytest.mark.parametrize("size", [32, 64])
def test_candidates_are_the_nearest_of_the_shortlist_in_all_views(monkeypatch, size):
    monkeypatch.setattr(registered, "has_bfloat16", lambda: False)
    found, original = [], Registered._starts
    monkeypatch.setattr(Registered, "_starts", lambda *given: found.append(original(*given)) or found[-1])
    image = turned(KNOWN[2], 8).flip(2) if size == 32 else pasted(KNOWN[2], scenes(1, 8)[0].image, 0.4, 0.6)
    measure_of(KNOWN[:8], KNOWN[8:20]).nearest([image])
    count = 2 if size == 32 else 17
    assert found[0][0][0].tolist() == slow_candidates(KNOWN[:20], image, count, -1, views())


@pytest.mark.parametrize("mirrored", [False, True])
def test_registration_starts_at_the_view_or_tile_that_is_seen(monkeypatch, measure, mirrored):
    monkeypatch.setattr(registration, "STEPS", 0)
    shown = [through(KNOWN[place], frame) for place, frame in enumerate(views())]
    # Steps of tiles go through the corners and the middle.
    shown += [pasted(image, scenes(1, 8)[0].image, *at) for image, at in zip(KNOWN, ((0, 0), (0.5, 1)), strict=False)]
    distances, rows = measure.nearest([image.flip(2) if mirrored else image for image in shown])
    assert rows.tolist() == [*range(28), 0, 1]
    assert distances.max() < 0.02


def test_rounded_and_exact_numbers_agree_on_every_crop_turn_and_mirror_image(monkeypatch):
    queries = [cropped(image, 1, 6, 25) for image in KNOWN] + [turned(image, 6).flip(2) for image in KNOWN]
    found = []
    for has_bfloat16 in (False, True):
        monkeypatch.setattr(registered, "has_bfloat16", lambda has=has_bfloat16: has)
        found.append(measure_of(KNOWN).nearest(queries))
    assert found[0][1].tolist() == found[1][1].tolist() == [*range(30), *range(30)]


def test_the_median_size_of_the_set_says_what_a_part_is():
    sizes = [(32, 32)] * 20 + [(200, 200)] * 5
    known = [resized(image, size) for image, size in zip(KNOWN, sizes, strict=False)]
    larger = [pasted(KNOWN[place], scenes(1, 8)[0].image, 0.3, 0.7) for place in range(5)]
    distances, rows = measure_of(known).nearest(larger)
    assert rows.tolist() == list(range(5))
    assert distances.max() < 0.05
