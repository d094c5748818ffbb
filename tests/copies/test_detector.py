import numpy as np
import pytest
import torch

from genaug_data.copies import CopyDetector, Match, calibrate, reading
from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Sample
from tests.copies.scenes import images_of, scenes


@pytest.fixture(scope="module")
def detector():
    found = CopyDetector([scenes(20, 0), scenes(15, 1)], progress=False)
    found.calibrate(scenes(200, 2), progress=False)
    return found


def test_exact_copies_have_distance_zero_by_every_measure(detector):
    found = detector.distances(images_of(scenes(15, 1)))
    assert set(found) == {"whole", "registered"}
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
    for measure in detector.measures:
        expected = calibrate(found[measure.name][0], 5e-4, measure.tail)
        assert detector.calibrations[measure.name].threshold == pytest.approx(expected.threshold, rel=1e-3)


def test_within_its_sets_an_image_is_not_its_own_neighbour():
    samples = scenes(30, 4)
    detector = CopyDetector([samples], progress=False)
    detector.calibrate_within([samples], progress=False)
    assert all(calibration.threshold > 1e-3 for calibration in detector.calibrations.values())
    found = detector.distances(images_of(samples), np.arange(30))
    assert detector.calibrations["whole"].threshold == pytest.approx(
        calibrate(found["whole"][0], 5e-4).threshold, rel=1e-3
    )
    with pytest.raises(DataError, match="1 image has no neighbour to set a threshold by; pass at least 2"):
        CopyDetector([samples[:1]], progress=False).calibrate_within([samples[:1]], progress=False)


def test_features_are_a_third_measure():
    detector = CopyDetector([scenes(9, 0)], features=lambda images: images.float().mean((2, 3)), progress=False)
    detector.calibrate(scenes(50, 2), progress=False)
    assert set(detector.calibrations) == {"whole", "registered", "embedded"}
    assert "embedded" in detector.fingerprint


def test_constant_images_are_left_out_and_the_others_keep_their_places():
    blank = Sample(torch.full((3, 32, 32), 7, dtype=torch.uint8), 0)
    photos = scenes(2, 0)
    detector = CopyDetector([[blank, photos[0]], [photos[1], blank]], progress=False)
    assert len(detector) == 2
    assert [detector.origin(row) for row in (0, 1)] == [(0, 1), (1, 0)]
    assert detector.rows(0, [0, 1]).tolist() == [-1, 0]
    assert detector.rows(1, [0, 1]).tolist() == [1, -1]
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
