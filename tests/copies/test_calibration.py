import math
from statistics import NormalDist

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


def log_normal_tail(size, spread, seed=0, median=0.2):
    """Distances whose logarithms are distributed normally."""
    return np.minimum(1, median * np.exp(spread * numpy_generator(seed).standard_normal(size)))


@pytest.mark.parametrize("alpha", [5e-4, 1e-2])
def test_a_log_normal_tail_is_the_normal_one_of_the_logarithms(alpha):
    distances = log_normal_tail(90, 0.4)
    low, high = slow_quantile(distances, 0.05), slow_quantile(distances, 0.25)
    normal = NormalDist()
    # The straight line through both quantiles, of log distance over the normal score.
    slope = (math.log(high) - math.log(low)) / (normal.inv_cdf(0.25) - normal.inv_cdf(0.05))
    expected = math.exp(math.log(low) + slope * (normal.inv_cdf(alpha) - normal.inv_cdf(0.05)))
    assert calibrate(distances, alpha, "log_normal").threshold == pytest.approx(expected)


@pytest.mark.parametrize("spread", [0.3, 0.6])
def test_the_share_of_false_rejects_is_about_alpha_under_a_log_normal_tail(spread):
    threshold = calibrate(log_normal_tail(900, spread), 1e-3, "log_normal").threshold
    assert 0.0003 < (log_normal_tail(200_000, spread, seed=1) <= threshold).mean() < 0.003


def test_a_power_tail_reaches_lower_than_a_log_normal_one():
    distances = log_normal_tail(900, 0.4)
    assert calibrate(distances, 1e-3).threshold < calibrate(distances, 1e-3, "log_normal").threshold


def test_distances_that_are_alike_are_no_steep_log_normal_tail():
    assert calibrate(np.full(20, 0.2), 1e-3, "log_normal").threshold == pytest.approx(0.2 * 0.02 ** (1 / 5))
    nearly = np.linspace(0.2, 0.2001, 20)
    low = slow_quantile(nearly, 0.05)
    assert calibrate(nearly, 1e-3, "log_normal").threshold == pytest.approx(low * 0.02 ** (1 / 5))
