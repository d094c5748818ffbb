"""Coverage: which share of the real samples has a synthetic one nearby."""

from __future__ import annotations

from typing import ClassVar

import torch

from genaug_data.metrics.neighbourhood import NeighbourhoodMetric
from genaug_data.metrics.neighbours import inside, squared_radii


class Coverage(NeighbourhoodMetric):
    """Share of real samples with a synthetic one in their ball, in [0, 1]: variety (arXiv:2002.09797).

    Synthetic outliers do not raise it, unlike :class:`Recall`. Two equally large sets of one source have about
    ``1 - 1 / 2^k``, 0.97 for k = 5; fewer synthetic samples than real ones cover less, however good they are.

    Takes the arguments of :class:`NeighbourhoodMetric`, k = 5 as in the paper.

    Example:
        >>> real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> Coverage(neighbours=1).measure(real, torch.tensor([[0.5], [0.6], [9.0], [9.5]]))
        0.5
    """

    name: ClassVar[str] = "coverage"

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the share of balls of real points that hold a synthetic one."""
        covered = torch.zeros(len(real), dtype=torch.bool)
        for part in inside(synthetic, real, squared_radii(real, self.neighbours)):
            covered |= part.any(0)
        return float(covered.double().mean())
