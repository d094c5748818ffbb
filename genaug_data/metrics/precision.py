"""Precision: which share of the synthetic samples could be real."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from genaug_data.features import Features
from genaug_data.metrics.neighbourhood import NeighbourhoodMetric
from genaug_data.metrics.neighbours import inside, squared_radii


class Precision(NeighbourhoodMetric):
    """Share of synthetic samples that lie among the real ones, in [0, 1]: fidelity (arXiv:1904.06991).

    Among them means: not farther from some real sample than its k-th nearest real one. A single outlier among the real
    samples has a large ball that counts much; :class:`Density` is robust against that.

    Takes the arguments of :class:`NeighbourhoodMetric`, k = 3 as in the paper.

    Example:
        >>> real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> Precision(neighbours=1).measure(real, torch.tensor([[0.5], [3.5], [5.0], [9.0]]))
        0.5
    """

    name: ClassVar[str] = "precision"

    def __init__(self, features: Features | None = None, *, neighbours: int = 3, **options: Any) -> None:
        super().__init__(features, neighbours=neighbours, **options)

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the share of synthetic points in some ball of a real one."""
        radii = squared_radii(real, self.neighbours)
        return float(torch.cat([part.any(1) for part in inside(synthetic, real, radii)]).double().mean())
