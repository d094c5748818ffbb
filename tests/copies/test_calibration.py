import math

import numpy as np
import pytest

from genaug_data.copies.calibration import FLOOR, calibrate
from genaug_data.seeding import numpy_generator


def slow_quantile(distances, share):
    ordered = sorted(distances)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def power_tail(size, power, seed=0, scale=0.3):
    """Distances of which the share nearer than d is (d / scale) ** power."""
    return scale * numpy_generator(seed).random(size) ** (1 / power)


def test_the_threshold_of_few_distances_is_the_extrapolated_quantile():
    distances = power_tail(400, 5)
    low, high = slow_quantile(distances, 0.05), slow_quantile(distances, 0.25)
    power = math.log(5) / math.log(high / low)
    calibration = calibrate(distances, 1e-3)
    assert calibration.threshold == pytest.approx(low * (1e-3 / 0.05) ** (1 / power))
    assert calibration.images == 400
    assert calibration.near == sum(distance <= calibration.threshold for distance in distances)


def test_the_quantile_itself_is_taken_where_it_is_larger_and_there_are_enough_distances():
    steep = 0.2 + 0.1 * power_tail(5000, 2, scale=1.0)
    ordered = sorted(steep)
    assert calibrate(steep, 1e-3).threshold == ordered[math.floor(1e-3 * 4999)]
    assert calibrate(steep[:999], 1e-3).threshold < min(steep[:999])


@pytest.mark.parametrize("power", [3, 6, 9])
def test_the_share_of_false_rejects_is_about_alpha(power):
    threshold = calibrate(power_tail(10_000, power), 1e-3).threshold
    assert 0.0004 < (power_tail(200_000, power, seed=1) <= threshold).mean() < 0.0025


@pytest.mark.parametrize("share", [0.001, 0.005, 0.02])
def test_natural_near_duplicates_do_not_make_the_threshold_useless(share):
    clean = power_tail(10_000, 6)
    mixed = clean.copy()
    mixed[: int(share * len(mixed))] *= 0.05
    threshold = calibrate(mixed, 1e-3).threshold
    assert 0.6 * calibrate(clean, 1e-3).threshold < threshold < 1.2 * calibrate(clean, 1e-3).threshold
    assert np.quantile(mixed, 1e-3, method="lower") < 0.5 * threshold or share == 0.001
    assert calibrate(mixed, 1e-3).near >= share * len(mixed)


def test_a_single_distance_gives_a_threshold_well_below_it():
    assert calibrate(np.array([0.2]), 1e-3).threshold == pytest.approx(0.2 * 0.02 ** (1 / 3.1))
    alike = calibrate(np.full(20, 0.2), 1e-3).threshold
    assert alike == pytest.approx(0.2 * 0.02 ** (1 / 5))


def test_no_threshold_is_below_the_floor():
    calibration = calibrate(np.zeros(50), 1e-3)
    assert calibration.threshold == FLOOR
    assert calibration.near == 50
