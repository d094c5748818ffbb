"""Mild random affine maps, drawn for every sample."""

from __future__ import annotations

import torch
from torch.nn import functional

_ROTATION, _SCALE, _SHEAR, _SHIFT = 0.25, 0.15, 0.2, 0.15
"""Largest at amount 1: radians, share, share of the height, share of half a side."""


def random_affine(images: torch.Tensor, generator: torch.Generator, amount: float = 1.0) -> torch.Tensor:
    """Rotate, scale, shear and shift each image at random; all channels of an image together.

    At ``amount`` 1 a rotation is up to 14 degrees, a scale and a shift up to 15 %, a shear up to 20 %. What comes in
    from outside repeats the border.

    Args:
        images: float ``(B, C, H, W)``.
        generator: on the CPU; all draws come from it.
        amount: of everything; 0 leaves images as they are, up to rounding.

    Example:
        >>> images = torch.rand(2, 1, 8, 8)
        >>> random_affine(images, torch.Generator().manual_seed(0)).shape
        torch.Size([2, 1, 8, 8])
    """
    drawn = (2 * torch.rand(5, len(images), generator=generator) - 1) * amount
    angle, scale, shear = drawn[0] * _ROTATION, 1 + drawn[1] * _SCALE, drawn[2] * _SHEAR
    shift = drawn[3:] * _SHIFT
    rows = (
        torch.stack([angle.cos() * scale, shear - angle.sin() * scale, shift[0]], dim=1),
        torch.stack([angle.sin() * scale, angle.cos() * scale, shift[1]], dim=1),
    )
    grid = functional.affine_grid(torch.stack(rows, dim=1).to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
