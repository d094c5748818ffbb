"""From which distance on an image counts as a copy of a protected one."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from statistics import NormalDist
from typing import Literal

import numpy as np

from genaug_data.errors import ConfigError

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

    @property
    def is_blind(self) -> bool:
        """Whether the threshold is so small that altered copies pass.

        So many training images are nearly equal to protected ones then that nothing can be told from them.
        """
        return self.threshold <= FLOOR


def check_alpha(alpha: float) -> None:
    """Refuse an expected share of false rejects that no threshold can be set for.

    Raises:
        ConfigError: it is no number in (0, 0.05].
    """
    if not isinstance(alpha, Real) or not 0 < alpha <= _LOW:
        raise ConfigError(f"alpha must lie in (0, {_LOW}], got {alpha!r}; it is the expected share of false rejects")


Tail = Literal["power", "log_normal"]
"""How the share of distances below d falls with d: as a power of d, or as that of a normal distribution of log d."""


def calibrate(distances: np.ndarray, alpha: float, tail: Tail = "power") -> Calibration:
    """Set the threshold from the distances of real training images to their nearest protected image.

    Training images are no copies, so a threshold at their ``alpha`` quantile rejects a share ``alpha`` of what is as
    unlike the protected set as they are. Two things forbid to take that quantile as it is. Benchmarks hold natural
    near-duplicates across their splits (CIFAR-10: about 3 % of the test images, arXiv:1902.00423), which fill exactly
    the lowest quantiles, so that altered copies would pass. And fewer than ``1 / alpha`` images have no such
    quantile: it would be their minimum. Therefore the lower tail is also extrapolated from the bulk, which neither
    touches: the share nearer than d as ``tail`` has it, through the quantiles 0.05 and 0.25. The threshold is the
    larger of the two where there are at least ``1 / alpha`` distances, else the extrapolation.

    On CIFAR-10 without its natural near-duplicates, the quantile 0.0005 is 0.095 for the perceptual distance and
    0.025 after registration; a power says 0.085 and 0.012, a log-normal tail 0.110 and 0.025.

    Args:
        distances: at least one, each in [0, 1].
        alpha: in (0, 0.05].
        tail: what is taken for the shape of the lower tail.

    Example:
        >>> calibration = calibrate(np.linspace(0, 1, 10_001)[1:] ** 0.25, alpha=1e-3)
        >>> round(calibration.threshold ** 4, 4), calibration.near
        (0.001, 10)
    """
    low, high = np.quantile(distances, [_LOW, _HIGH])
    # A handful of distances that happen to be alike is no steep tail: taken for one, it would reject half of all.
    steepest = min(12.0, 3.0 + len(distances) / 10)
    threshold = low * (alpha / _LOW) ** (1 / steepest)
    if 0 < low < high and tail == "power":
        power = np.log(_HIGH / _LOW) / np.log(high / low)
        threshold = min(threshold, low * (alpha / _LOW) ** (1 / power))
    elif 0 < low < high:
        at_alpha, at_low, at_high = (NormalDist().inv_cdf(share) for share in (alpha, _LOW, _HIGH))
        threshold = min(threshold, low * (high / low) ** ((at_alpha - at_low) / (at_high - at_low)))
    if len(distances) * alpha >= 1 - 1e-9:
        threshold = max(threshold, np.quantile(distances, alpha, method="lower"))
    threshold = max(FLOOR, float(threshold))
    return Calibration(threshold, alpha, len(distances), int((distances <= threshold).sum()))
