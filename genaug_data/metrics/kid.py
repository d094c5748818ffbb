"""Kernel distance: what a cubic kernel sees between two sets of features."""

from __future__ import annotations

import math
from typing import ClassVar

import torch

from genaug_data.metrics.base import SetMetric
from genaug_data.seeding import derive, permutation

_SUBSETS, _SUBSET_SIZE = 100, 1000


class KID(SetMetric):
    """Kernel (Inception) distance: squared maximum mean discrepancy with ``(x y / D + 1)^3`` (arXiv:1801.01401).

    The mean over 100 random subsets of 1,000 samples of each set, or of half of the smaller set if that is less. It is
    unbiased, so that sets of different sizes can be compared, and may be below 0 for sets that are alike. Its standard
    deviation is that over the subsets, as papers print it. With fewer than 2,000 samples, subsets are smaller than
    those of published values, and the deviation is larger than most differences that one looks for.

    Takes the arguments of :class:`SetMetric`, where ``resamples`` plays no part.

    Example:
        >>> real = torch.linspace(-1, 1, 64).reshape(-1, 1)
        >>> KID().measure(real, real + 1) > KID().measure(real, real + 0.5) > 0.1
        True
    """

    name: ClassVar[str] = "KID"
    least = 4

    def needed(self, dimensions: int) -> int:
        """Return 2,000, whatever the dimensions."""
        return 2 * _SUBSET_SIZE

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the mean over the subsets."""
        return self.estimate(real, synthetic)[0]

    def estimate(self, real: torch.Tensor, synthetic: torch.Tensor) -> tuple[float, float]:
        """Return mean and standard deviation over the subsets."""
        from torchmetrics.image.kid import poly_mmd

        size = min(_SUBSET_SIZE, len(real) // 2, len(synthetic) // 2)
        # Not the class of torchmetrics, which draws its subsets from torch's global generator.
        found = torch.stack(
            [
                poly_mmd(self._subset(real, "real", draw, size), self._subset(synthetic, "synthetic", draw, size))
                for draw in range(_SUBSETS)
            ]
        )
        return float(found.mean()), float(found.std(correction=0)) if size > 1 else math.nan

    def _subset(self, points: torch.Tensor, role: str, draw: int, size: int) -> torch.Tensor:
        return points[torch.from_numpy(permutation(derive(self.seed, "subset", role, draw), len(points))[:size])]
