"""Density: how deep among the real samples the synthetic ones lie."""

from __future__ import annotations

from typing import ClassVar

import torch

from genaug_data.metrics.neighbourhood import NeighbourhoodMetric
from genaug_data.metrics.neighbours import inside, squared_radii


class Density(NeighbourhoodMetric):
    """Balls of real samples that a synthetic one lies in, on average and over k, at least 0 (arXiv:2002.09797).

    Fidelity, as :class:`Precision`, but without its fondness of outliers. Around 1 for two sets of one source, above
    it where synthetic samples crowd where real ones are dense; ``(k + 1) / k`` for the real samples themselves.

    Takes the arguments of :class:`NeighbourhoodMetric`, k = 5 as in the paper.

    Example:
        >>> real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> Density(neighbours=1).measure(real, torch.tensor([[0.5], [1.0], [5.0], [9.0]]))
        1.25
    """

    name: ClassVar[str] = "density"

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the mean number of balls over k."""
        radii = squared_radii(real, self.neighbours)
        balls = sum(int(part.sum()) for part in inside(synthetic, real, radii))
        return balls / (self.neighbours * len(synthetic))
