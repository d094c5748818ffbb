"""From which distance on an image counts as a copy of a protected one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FLOOR = 1e-4
"""No threshold is smaller: nearer than this, two images differ by rounding only."""

_LOW, _HIGH = 0.05, 0.25


@dataclass(frozen=True, slots=True)
class Calibration:
    """How near real training images come to the protected ones, and the threshold that follows.

    Args:
        threshold: a child at this distance or nearer is rejected.
        alpha: the expected share of children rejected by mistake.
        images: training images that were measured.
        near: how many of these are themselves at the threshold or nearer: ``alpha`` of them by chance, the others
            because training and protected sets share near-duplicates.
    """

    threshold: float
    alpha: float
    images: int
    near: int


def calibrate(distances: np.ndarray, alpha: float) -> Calibration:
    """Set the threshold from the distances of real training images to their nearest protected image.

    Training images are no copies, so a threshold at their ``alpha`` quantile rejects a share ``alpha`` of what is as
    unlike the protected set as they are. Two things forbid to take that quantile as it is. Benchmarks hold natural
    near-duplicates across their splits (CIFAR-10: about 3 % of the test images, arXiv:1902.00423), which fill exactly
    the lowest quantiles, so that altered copies would pass. And fewer than ``1 / alpha`` images have no such
    quantile: it would be their minimum. Therefore the lower tail is also extrapolated from the bulk, which neither
    touches: the share nearer than d as a power of d, through the quantiles 0.05 and 0.25. The threshold is the larger
    of the two where there are at least ``1 / alpha`` distances, else the extrapolation.

    Args:
        distances: at least one, each in [0, 1].
        alpha: in (0, 0.05].

    Example:
        >>> calibration = calibrate(np.linspace(0, 1, 10_001)[1:] ** 0.25, alpha=1e-3)
        >>> round(calibration.threshold ** 4, 4), calibration.near
        (0.001, 10)
    """
    low, high = np.quantile(distances, [_LOW, _HIGH])
    # A handful of distances that happen to be alike is no steep tail: taken for one, it would reject half of all.
    power = min(12.0, 3.0 + len(distances) / 10)
    if 0 < low < high:
        power = min(power, np.log(_HIGH / _LOW) / np.log(high / low))
    threshold = low * (alpha / _LOW) ** (1 / power)
    if len(distances) * alpha >= 1 - 1e-9:
        threshold = max(threshold, np.quantile(distances, alpha, method="lower"))
    threshold = max(FLOOR, float(threshold))
    return Calibration(threshold, alpha, len(distances), int((distances <= threshold).sum()))
