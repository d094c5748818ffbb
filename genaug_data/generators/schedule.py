"""How much of an image is left at each noise level."""

from __future__ import annotations

import math

import torch

LEVELS = 1000
"""Number of noise levels; level 0 is the clean image, level LEVELS pure noise."""


def signal_and_noise(levels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weights of image and noise at noise levels, by the cosine schedule (arXiv:2102.09672).

    Equal to diffusers' ``squaredcos_cap_v2``, with the clean image as level 0 before its first timestep.

    Args:
        levels: int64 ``(B,)``, 0..LEVELS.

    Returns:
        Two float32 tensors ``(B, 1, 1, 1)`` whose squares add up to 1.

    Example:
        >>> signal, noise = signal_and_noise(torch.tensor([0, LEVELS]))
        >>> signal.flatten().round(decimals=3).tolist(), noise.flatten().round(decimals=3).tolist()
        ([1.0, 0.0], [0.0, 1.0])
    """
    kept = _KEPT.to(levels.device)[levels].view(-1, 1, 1, 1)
    return kept.sqrt().float(), (1 - kept).sqrt().float()


def _kept_variance() -> torch.Tensor:
    def cosine(share: float) -> float:
        return math.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - cosine((level + 1) / LEVELS) / cosine(level / LEVELS), 0.999) for level in range(LEVELS)]
    kept = (1 - torch.tensor([0.0, *betas], dtype=torch.float64)).cumprod(0)
    assert kept.shape == (LEVELS + 1,)
    return kept


_KEPT = _kept_variance()
