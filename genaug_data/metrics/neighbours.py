"""Who lies in the neighbourhood of whom: brute force, in chunks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch

_MOST_DISTANCES = 1 << 23
_ROUNDING = 1e-12


def squared_radii(points: torch.Tensor, neighbours: int) -> torch.Tensor:
    """Return the squared distance of each point to its k-th nearest other point.

    Args:
        points: float64 ``(N, D)``.
        neighbours: k, below N.

    Example:
        >>> squared_radii(torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64), 1).tolist()
        [1.0, 1.0, 4.0]
    """
    found = []
    for start, squared in _chunks(points, points):
        rows = torch.arange(len(squared))
        squared[rows, start + rows] = torch.inf
        found.append(squared.kthvalue(neighbours, dim=1).values)
    return torch.cat(found)


def inside(points: torch.Tensor, centres: torch.Tensor, squared: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield, for some points at a time, whether each lies in the ball around each centre, its surface included.

    Args:
        points: float64 ``(M, D)``.
        centres: float64 ``(N, D)``.
        squared: radii of the balls, squared, ``(N,)``.

    Yields:
        bool ``(chunk, N)``.
    """
    # A point on the surface, as the k-th neighbour itself is, must not fall out of the ball by rounding.
    limits = squared + rounding_of(points, centres)
    for _, distances in _chunks(points, centres):
        yield distances <= limits


def nearest(points: torch.Tensor, centres: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the squared distance of each point to the nearest centre, and the index of that, ``(M,)`` each."""
    found = [distances.min(1) for _, distances in _chunks(points, centres)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def rounding_of(points: torch.Tensor, centres: torch.Tensor) -> float:
    """Return by how much a squared distance may be wrong, as it is a difference of squares."""
    return _ROUNDING * float(points.square().sum(1).max() + centres.square().sum(1).max())


def _chunks(points: torch.Tensor, centres: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    lengths = centres.square().sum(1)
    size = max(1, _MOST_DISTANCES // len(centres))
    for start in range(0, len(points), size):
        part = points[start : start + size]
        squared = torch.addmm(lengths, part, centres.T, alpha=-2).add_(part.square().sum(1, keepdim=True))
        yield start, squared.clamp_(min=0)
