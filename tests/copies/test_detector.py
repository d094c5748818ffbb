import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.copies import CopyDetector, Match, calibrate, reading
from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Sample
from tests.copies.scenes import cropped, images_of, pasted, resized, scenes, turned


@pytest.fixture(scope="module")
def detector():
    found = CopyDetector([scenes(20, 0), scenes(15, 1)], progress=False)
    found.calibrate(scenes(200, 2), progress=False)
    return found


def test_exact_copies_have_distance_zero_by_every_measure(detector):
    found = detector.distances(images_of(scenes(15, 1)))
    assert set(found) == {"whole", "registered", "part"}
    for distances, rows in found.values():
        assert distances.tolist() == [0.0] * 15
        assert [detector.origin(int(row)) for row in rows] == [(1, place) for place in range(15)]


def test_a_match_is_of_the_measure_that_is_least_in_units_of_its_threshold(detector):
    images = images_of(scenes(4, 3))
    found = detector.distances(images)
    for place, match in enumerate(detector.nearest(images)):
        units = {name: found[name][0][place] / detector.calibrations[name].threshold for name in found}
        assert match.measure == min(units, key=units.get)
        assert match.distance == pytest.approx(float(found[match.measure][0][place]), abs=1e-6)
        assert not match.is_copy


def test_the_score_is_half_at_the_threshold():
    assert [Match("whole", distance, 0.2, 0, 0).score for distance in (0, 0.1, 0.2, 0.4, 1)] == [0, 0.25, 0.5, 1, 1]
    assert Match("whole", 0.2, 0.2, 0, 0).is_copy


def test_thresholds_come_from_the_training_images_each_measure_with_its_share(detector):
    train = images_of(scenes(200, 2))
    found = detector.distances(train)
    for name, tail in (("whole", "power"), ("registered", "log_normal")):
        expected = calibrate(found[name][0], 5e-4, tail)
        assert detector.calibrations[name].threshold == pytest.approx(expected.threshold, rel=1e-3)
    # None of these is large enough to have parts.
    assert detector.calibrations["part"] == detector.calibrations["registered"]


def test_parts_have_a_threshold_and_a_share_of_their_own_where_training_images_are_larger():
    train = [Sample(resized(image, (64, 64)), 0) for image in images_of(scenes(60, 2))] + scenes(20, 5)
    detector = CopyDetector([scenes(20, 0)], progress=False)
    detector.calibrate(train, progress=False)
    found = detector.distances([sample.image for sample in train])
    assert found["part"][0][60:].tolist() == [1.0] * 20
    for name, tail in (("whole", "power"), ("registered", "log_normal"), ("part", "log_normal")):
        compared = found[name][0][: 60 if name == "part" else 80]
        expected = calibrate(compared, 1e-3 / 3, tail)
        assert detector.calibrations[name].threshold == pytest.approx(expected.threshold, rel=1e-3)
    assert detector.calibrations["part"].threshold < detector.calibrations["registered"].threshold


def test_within_its_sets_an_image_is_not_its_own_neighbour():
    samples = scenes(30, 4)
    detector = CopyDetector([samples], progress=False)
    detector.calibrate_within([samples], progress=False)
    assert all(calibration.threshold > 1e-3 for calibration in detector.calibrations.values())
    found = detector.distances(images_of(samples), np.arange(30))
    assert detector.calibrations["whole"].threshold == pytest.approx(
        calibrate(found["whole"][0], 5e-4).threshold, rel=1e-3
    )
    with pytest.raises(
        DataError, match="protected sets hold 1 image that is not constant, and no other one to set a threshold by"
    ):
        CopyDetector([samples[:1]], progress=False).calibrate_within([samples[:1]], progress=False)


def test_features_are_a_measure_of_their_own():
    detector = CopyDetector([scenes(9, 0)], features=lambda images: images.float().mean((2, 3)), progress=False)
    detector.calibrate(scenes(50, 2), progress=False)
    assert set(detector.calibrations) == {"whole", "registered", "part", "embedded"}
    assert "embedded" in detector.fingerprint


def test_constant_images_are_left_out_and_the_others_keep_their_places():
    blank = Sample(torch.full((3, 32, 32), 7, dtype=torch.uint8), 0)
    photos = scenes(2, 0)
    detector = CopyDetector([[blank, photos[0]], [photos[1], blank]], progress=False)
    assert len(detector) == 2
    assert [detector.origin(row) for row in (0, 1)] == [(0, 1), (1, 0)]
    assert detector.rows(0, [0, 1]).tolist() == [-1, 0]
    assert detector.rows(1, [0, 1]).tolist() == [1, -1]
    assert detector.rows(1, []).tolist() == []
    with pytest.raises(DataError, match="every protected image is constant; pass sets of real images as protected"):
        CopyDetector([[blank], [blank]], progress=False)


def test_reads_beat_and_bad_calls_are_told(monkeypatch):
    monkeypatch.setattr(reading, "_READ", 3)
    beats = []
    detector = CopyDetector([scenes(8, 0)], progress=False, beat=lambda: beats.append(1))
    assert len(beats) == 3
    with pytest.raises(ConfigError, match="has no thresholds; call calibrate"):
        detector.nearest(images_of(scenes(1, 0)))
    with pytest.raises(DataError, match=r"the training set is empty \(0 examples\)"):
        detector.calibrate([], progress=False)


def test_the_fingerprint_follows_images_and_thresholds(detector):
    other = CopyDetector([scenes(20, 0), scenes(15, 1)], progress=False)
    before = other.fingerprint
    other.calibrate(scenes(200, 2), progress=False)
    assert other.fingerprint == detector.fingerprint != before
    fewer = CopyDetector([scenes(20, 0)], progress=False)
    fewer.calibrate(scenes(200, 2), progress=False)
    assert fewer.fingerprint != detector.fingerprint


SHAPES = [(3, 32, 32), (3, 24, 40), (1, 8, 8), (3, 48, 32)]


@pytest.fixture(scope="module")
def by_shape():
    found = {}
    for shape in SHAPES:
        found[shape] = CopyDetector([scenes(15, 0, shape), scenes(15, 1, shape)], progress=False)
        found[shape].calibrate(scenes(150, 2, shape), progress=False)
    return found


ALTERATIONS = {
    "mirrored": lambda image: image.flip(2),
    "brighter": lambda image: (image.float() * 1.15).clamp(max=255).byte(),
    "crop 0.7": lambda image: cropped(image, 0.7, 0.0, 0.0),
    "crop 0.75": lambda image: cropped(image, 0.75, 0.3, 1.0),
    "crop 0.9": lambda image: cropped(image, 0.9, 1.0, 0.5),
    "mirrored crop": lambda image: cropped(image, 0.8, 0.2, 0.8).flip(2),
    "turn 10": lambda image: turned(image, 10),
    "turn -6": lambda image: turned(image, -6),
    "mirrored turn": lambda image: turned(image.flip(2), 7),
    "part, corner": lambda image: pasted(image, 255 - image.flip(1), 0.0, 1.0),
    "part, inside": lambda image: pasted(image, 255 - image.flip(1), 0.4, 0.55),
    "part, mirrored": lambda image: pasted(image.flip(2), 255 - image.flip(1), 0.7, 0.1),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_altered_copies_are_found(by_shape, shape, alteration):
    altered = [ALTERATIONS[alteration](image) for seed in (0, 1) for image in images_of(scenes(15, seed, shape))]
    matches = by_shape[shape].nearest(altered)
    assert all(match.is_copy for match in matches)
    assert [(match.dataset, match.item) for match in matches] == [
        (seed, place) for seed in (0, 1) for place in range(15)
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_other_images_are_not_taken_for_copies(by_shape, shape):
    assert sum(match.is_copy for match in by_shape[shape].nearest(images_of(scenes(200, 3, shape)))) <= 2


def test_other_images_that_are_twice_as_large_are_not_taken_for_copies(by_shape):
    larger = [resized(image, (64, 64)) for image in images_of(scenes(50, 3))]
    assert not any(match.is_copy for match in by_shape[3, 32, 32].nearest(larger))


def test_a_row_that_is_left_out_does_not_count_even_for_its_exact_copy():
    once = scenes(8, 0)
    detector = CopyDetector([once], features=lambda images: images.flatten(1).float(), progress=False)
    exclude = np.arange(8)
    found = detector.distances(images_of(once), exclude)
    assert set(found) == {"whole", "registered", "part", "embedded"}
    for name, (distances, rows) in found.items():
        # None of these is large enough to have parts.
        assert distances.min() > 1e-2
        assert (rows != exclude).all() or (name == "part" and distances.min() == 1)
    for distances, rows in detector.distances(images_of(once), np.full(8, -1)).values():
        assert distances.tolist() == [0.0] * 8
        assert rows.tolist() == list(range(8))


MIXED = [
    *images_of(scenes(2, 3)),
    *images_of(scenes(2, 0, (1, 20, 30))),
    cropped(scenes(5, 0)[4].image, 0.8, 0.1, 0.9),
    pasted(scenes(7, 0)[6].image, scenes(1, 8)[0].image, 0.3, 0.6),
    scenes(1, 9, (4, 40, 24))[0].image,
    scenes(3, 1, (3, 8, 8))[2].image,
]


@given(st.permutations(range(len(MIXED))), st.integers(1, len(MIXED)))
@settings(max_examples=10, deadline=None)
def test_neither_order_nor_batch_of_images_matters(detector, order, size):
    together = detector.distances(MIXED)
    exclude = np.full(size, -1)
    for name, (distances, rows) in detector.distances([MIXED[place] for place in order[:size]], exclude).items():
        np.testing.assert_allclose(distances, together[name][0][order[:size]], atol=1e-5)
        assert rows.tolist() == together[name][1][order[:size]].tolist()


def test_a_set_of_mixed_shapes_finds_each_of_its_images_altered():
    samples = scenes(3, 0) + scenes(3, 1, (1, 20, 28)) + scenes(3, 2, (4, 8, 8)) + scenes(3, 3, (2, 40, 24))
    detector = CopyDetector([samples], progress=False)
    for alter in (lambda image: image.flip(2), lambda image: image // 2 + 60):
        found = detector.distances([alter(sample.image) for sample in samples])
        for name in ("whole", "registered"):
            distances, rows = found[name]
            assert rows.tolist() == list(range(12))
            assert distances.max() < 0.05


@pytest.mark.parametrize("count", [1, 2, 3])
def test_there_may_be_fewer_images_than_candidates(count):
    detector = CopyDetector([scenes(count, 0)], features=lambda images: images.float().mean((2, 3)), progress=False)
    last = scenes(count, 0)[-1].image
    for size in (32, 64):
        for name, (distances, rows) in detector.distances([resized(last, (size, size)).flip(2)]).items():
            if name != "part":
                assert rows.tolist() == [count - 1]
                assert distances[0] < 0.01


def test_no_images_have_no_distances():
    detector = CopyDetector([scenes(3, 0)], features=lambda images: images.float().mean((2, 3)), progress=False)
    found = detector.distances([])
    assert {name: (len(distances), len(rows)) for name, (distances, rows) in found.items()} == {
        "whole": (0, 0),
        "registered": (0, 0),
        "part": (0, 0),
        "embedded": (0, 0),
    }


def test_a_set_of_constant_images_has_no_rows():
    blank = Sample(torch.zeros(3, 32, 32, dtype=torch.uint8), 0)
    detector = CopyDetector([[blank], scenes(2, 0), [blank, blank]], progress=False)
    assert [detector.rows(number, [0]).tolist() for number in range(3)] == [[-1], [0], [-1]]


def test_calibration_reads_at_most_so_many_images_and_beats(monkeypatch):
    monkeypatch.setattr(reading, "_READ", 3)
    train, beats = scenes(40, 2), []
    detector = CopyDetector([scenes(8, 0)], progress=False)
    detector.calibrate(train, images=8, progress=False, beat=lambda: beats.append(1))
    assert len(beats) == 3
    for name, tail in (("whole", "power"), ("registered", "log_normal")):
        distances, _ = detector.distances([sample.image for sample in train[::5]])[name]
        found = detector.calibrations[name]
        assert found.images == 8
        assert found.threshold == pytest.approx(calibrate(distances, 5e-4, tail).threshold, rel=1e-3)


def test_equal_images_count_once_and_keep_their_places():
    photos = scenes(3, 0)
    detector = CopyDetector([[photos[0], photos[1], photos[0]], [photos[1], photos[2]]], progress=False)
    assert len(detector) == 3
    assert detector.rows(0, [0, 1, 2]).tolist() == [0, 1, 0]
    assert detector.rows(1, [0, 1]).tolist() == [1, 2]
    assert [detector.origin(row) for row in range(3)] == [(0, 0), (0, 1), (1, 1)]
    # Who is left out is left out with all that equal it.
    distances, rows = detector.distances([photos[0].image], detector.rows(0, [2]))["whole"]
    assert rows[0] != 0
    assert distances[0] > 0


def test_images_that_equal_one_of_the_sets_set_no_threshold():
    known, train = scenes(20, 0), scenes(60, 1)
    thresholds = []
    for images in (train, [*known, *train]):
        detector = CopyDetector([known], progress=False)
        detector.calibrate(images, progress=False)
        thresholds.append({name: (one.threshold, one.images) for name, one in detector.calibrations.items()})
    for name, (threshold, count) in thresholds[0].items():
        assert thresholds[1][name] == (pytest.approx(threshold, rel=1e-4), count)
