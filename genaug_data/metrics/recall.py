"""Recall: which share of the real samples the generator could have made."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from genaug_data.features import Features
from genaug_data.metrics.neighbourhood import NeighbourhoodMetric
from genaug_data.metrics.neighbours import inside, squared_radii


class Recall(NeighbourhoodMetric):
    """Share of real samples that lie among the synthetic ones, in [0, 1]: variety (arXiv:1904.06991).

    :class:`Precision` with the roles exchanged. Synthetic outliers raise it; :class:`Coverage` is robust against that.

    Takes the arguments of :class:`NeighbourhoodMetric`, k = 3 as in the paper.

    Example:
        >>> synthetic = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> Recall(neighbours=1).measure(torch.tensor([[0.5], [3.5], [5.0], [9.0]]), synthetic)
        0.5
    """

    name: ClassVar[str] = "recall"

    def __init__(self, features: Features | None = None, *, neighbours: int = 3, **options: Any) -> None:
        super().__init__(features, neighbours=neighbours, **options)

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the share of real points in some ball of a synthetic one."""
        radii = squared_radii(synthetic, self.neighbours)
        return float(torch.cat([part.any(1) for part in inside(real, synthetic, radii)]).double().mean())
