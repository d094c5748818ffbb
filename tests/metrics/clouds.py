"""Points to compare, small enough for slow loops."""

from __future__ import annotations

import torch

from genaug_data.seeding import torch_generator


def cloud(count: int, dimensions: int = 3, seed: int = 0) -> torch.Tensor:
    """Return normally distributed points, float64 ``(count, dimensions)``."""
    return torch.randn(count, dimensions, dtype=torch.float64, generator=torch_generator(seed))


def turned(points: torch.Tensor) -> torch.Tensor:
    """Return the points turned by a random orthogonal matrix, the same for the same number of dimensions."""
    size = points.shape[1]
    return points @ torch.linalg.qr(cloud(size, size, 99)).Q


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the distance of two points."""
    return float((one - other).square().sum().sqrt())


def radius(points: torch.Tensor, place: int, neighbours: int) -> float:
    """Return the distance of a point to its k-th nearest other point."""
    others = sorted(distance(points[place], points[other]) for other in range(len(points)) if other != place)
    return others[neighbours - 1]
