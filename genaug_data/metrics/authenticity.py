"""Authenticity: which share of the synthetic samples is no copy of a training sample."""

from __future__ import annotations

from typing import ClassVar

import torch

from genaug_data.metrics.base import SetMetric
from genaug_data.metrics.neighbours import nearest, rounding_of, squared_radii


class Authenticity(SetMetric):
    """Share of synthetic samples that are farther from the nearest training sample than that is from its own nearest.

    In [0, 1] (arXiv:2102.08921): 0 for a generator that copies its training set, 1 for samples that are far from all
    real ones, so read it beside :class:`Density`. What new samples of the same source have depends on the features: of
    Gaussians about 0.3 in one dimension, 0.7 in 16, 0.85 in 256; compare with that of real samples that were held out.
    Variants of a parent are meant to be near it, and have less than samples from noise. The real set has to be the one
    that the generator learned from. The 1,000 samples that it needs give a share to within 1.6 percentage points.

    Takes the arguments of :class:`SetMetric`.

    Example:
        >>> training = torch.tensor([[0.0], [1.0], [5.0]])
        >>> Authenticity().measure(training, torch.tensor([[0.0], [0.4], [9.5], [-3.0]]))
        0.5
    """

    name: ClassVar[str] = "authenticity"

    def needed(self, dimensions: int) -> int:
        """Return 1,000, whatever the dimensions."""
        return 1000

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the share of authentic points."""
        distances, places = nearest(synthetic, real)
        limits = squared_radii(real, 1)[places] + rounding_of(synthetic, real)
        return float((distances > limits).double().mean())
