"""The cosine transform of small images."""

from __future__ import annotations

import math
from functools import cache

import torch


@cache
def cosine_basis(side: int) -> torch.Tensor:
    """Return the orthonormal basis of the cosine transform (DCT-II), float32 ``(side, side)``, a frequency a row.

    Example:
        >>> basis = cosine_basis(6)
        >>> torch.allclose(basis @ basis.T, torch.eye(6), atol=1e-6)
        True
    """
    position = torch.arange(side, dtype=torch.float64) + 0.5
    frequency = torch.arange(side, dtype=torch.float64).unsqueeze(1)
    basis = torch.cos(math.pi / side * frequency * position) * math.sqrt(2 / side)
    basis[0] /= math.sqrt(2)
    return basis.float()
