"""Fréchet distance: how far the Gaussian of one set's features is from that of the other's."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from genaug_data.metrics.base import SetMetric


class FID(SetMetric):
    """Fréchet (Inception) distance, at least 0: ``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`` (arXiv:1706.08500).

    Published values are those of one Inception network and of 10,000 to 50,000 samples; with other features it is the
    same distance on another scale. It falls as sets grow (arXiv:1911.07023): two sets drawn from one Gaussian are about
    ``D / 2N`` of its total variance apart, so compare values of equally large sets only. It needs more samples than
    dimensions, or the covariances are singular, and at least the 2,048 that the authors' code asks for.

    Takes the arguments of :class:`SetMetric`. The standard deviation takes ``resamples`` eigenvalue problems of size D,
    which are seconds each from 2,048 dimensions on.

    Example:
        >>> real = torch.tensor([[0.0], [2.0]])
        >>> FID().measure(real, real + 3)
        9.0
    """

    name: ClassVar[str] = "FID"

    def needed(self, dimensions: int) -> int:
        """Return 2,048, or more where there are more dimensions."""
        return max(2048, dimensions + 1)

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the distance of both Gaussians."""
        return frechet_distance(real, synthetic)


def frechet_distance(real: torch.Tensor, synthetic: torch.Tensor) -> float:
    """Return the Fréchet distance of the Gaussians of two sets of features, float64 ``(N, D)`` and ``(M, D)``."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    # torchmetrics sums squares, which loses digits where features lie far from zero; the distance does not see a shift.
    centre = real.mean(0)
    distance = FrechetInceptionDistance(feature=_AsTheyAre(real.shape[1]))
    distance.update(real - centre, real=True)
    distance.update(synthetic - centre, real=False)
    try:
        return max(0.0, float(distance.compute()))
    except torch.linalg.LinAlgError:
        # The eigenvalues of a product of covariances of low rank need not be found; those of its symmetric form are.
        return _by_symmetric_root(real, synthetic)


def _by_symmetric_root(real: torch.Tensor, synthetic: torch.Tensor) -> float:
    one, other = (torch.cov(points.T).reshape(points.shape[1], -1) for points in (real, synthetic))
    values, vectors = torch.linalg.eigh(one)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ other @ root).clamp(min=0).sqrt().sum()
    apart = (real.mean(0) - synthetic.mean(0)).square().sum()
    return max(0.0, float(apart + one.trace() + other.trace() - 2 * cross))


class _AsTheyAre(nn.Module):
    """The extractor of features that are extracted already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features
