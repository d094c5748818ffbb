"""Two images laid over each other as well as they go, by shifting, scaling and turning one."""

from __future__ import annotations

import torch
from torch.nn import functional

SIDE = 16
"""Points in each row and column at which two images are compared."""

STEPS = 2
"""Gauss-Newton steps: more change nothing on starts as near as those of :func:`genaug_data.copies.geometry.views`."""

_MARGIN = 3 / 32
_LEAST_OVERLAP = 0.5
# Of the sides of the known image; the least overlap bounds the largest.
_SMALLEST_SCALE = 0.45
_LARGEST_STEP = 0.15
# Two grey levels: variance below this is none.
_FLAT = (2 / 255) ** 2


def register(seen: torch.Tensor, known: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """Return one minus the correlation of pairs of images, after the second was laid over the first.

    Lucas and Kanade's algorithm over similarities, forwards and by composition, with a common gain and an offset for
    each channel; only where the images overlap, away from the edge of the second.

    Args:
        seen: float32 ``(N, C, 16, 16)``.
        known: float32 ``(N, C, H, W)``, larger and smoothed, so that it can be sampled between its pixels.
        start: affine maps ``(N, 2, 3)`` from the coordinates of ``seen`` to those of ``known``.

    Returns:
        float32 ``(N,)`` in [0, 1]: 1 where less than half of ``seen`` overlaps, or less than 0.45 of the sides
        of ``known`` are seen.

    Example:
        >>> from genaug_data.copies.geometry import IDENTITY, matrices
        >>> ramp = torch.linspace(0, 1, 32).square().expand(1, 1, 32, 32)
        >>> shifted = torch.nn.functional.avg_pool2d(ramp.roll(2, 3), 2)
        >>> float(register(shifted, ramp, matrices([IDENTITY]))) < 0.1
        True
    """
    axis = (torch.arange(SIDE) + 0.5) * 2 / SIDE - 1
    down, across = torch.meshgrid(axis, axis, indexing="ij")
    frames = start
    for _ in range(STEPS):
        laid, weights = _lay(known, frames)
        a, b = _centred(laid, weights), _centred(seen, weights)
        gain = _product(a, b, weights) / (_product(a, a, weights) + _FLAT)
        gain = gain.clamp(0.3, 3.0).view(-1, 1, 1, 1)
        frames = _compose(frames, _step(gain * _slopes(laid), b - gain * a, weights, across, down))
    laid, weights = _lay(known, frames)
    a, b = _centred(laid, weights), _centred(seen, weights)
    spread = (_product(a, a, weights) + _FLAT) * (_product(b, b, weights) + _FLAT)
    distance = 1 - _product(a, b, weights) / spread.sqrt()
    overlap = (weights > 0).float().mean(dim=(1, 2, 3))
    scale = torch.linalg.det(frames[:, :, :2]).abs().sqrt()
    sound = (overlap >= _LEAST_OVERLAP) & (scale > _SMALLEST_SCALE)
    return torch.where(sound, distance.clamp(0, 1), torch.ones(()))


def smoothed(images: torch.Tensor) -> torch.Tensor:
    """Return images ``(N, C, H, W)`` blurred by the weights 1, 2, 1 both ways: noise and resampling count less."""
    weights = torch.tensor([0.25, 0.5, 0.25])
    kernel = (weights[:, None] * weights).expand(images.shape[1], 1, 3, 3)
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    return functional.conv2d(padded, kernel, groups=images.shape[1])


def _lay(known: torch.Tensor, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``known`` as seen through the frames, and the weight of each point ``(N, 1, 16, 16)``, sum 1 or 0."""
    grid = functional.affine_grid(frames, [len(known), known.shape[1], SIDE, SIDE], align_corners=False)
    laid = functional.grid_sample(known, grid, padding_mode="border", align_corners=False)
    inside = (grid.abs() <= 1 - _MARGIN).all(dim=-1).float().unsqueeze(1)
    return laid, inside / inside.sum(dim=(2, 3), keepdim=True).clamp(min=1)


def _centred(images: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return images - (images * weights).sum(dim=(2, 3), keepdim=True)


def _product(a: torch.Tensor, b: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (a * b * weights).sum(dim=(1, 2, 3))


def _slopes(laid: torch.Tensor) -> torch.Tensor:
    """Return the slopes of what is seen, across and down, ``(2, N, C, 16, 16)``, a unit being half the frame."""
    padded = functional.pad(laid, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    return torch.stack([across, down]) * (SIDE / 4)


def _step(
    slopes: torch.Tensor, rest: torch.Tensor, weights: torch.Tensor, across: torch.Tensor, down: torch.Tensor
) -> torch.Tensor:
    """Return the shift across and down, the growth and the turn ``(N, 4)`` that explain the rest best."""
    sx, sy = slopes
    effects = torch.stack([sx, sy, sx * across + sy * down, sy * across - sx * down], dim=1)
    effects = effects - (effects * weights.unsqueeze(1)).sum(dim=(3, 4), keepdim=True)
    root = weights.sqrt()
    flat = (effects * root.unsqueeze(1)).flatten(2)
    normal = flat @ flat.transpose(1, 2)
    wanted = flat @ (rest * root).flatten(1).unsqueeze(2)
    damping = 1e-3 + 0.01 * normal.diagonal(dim1=1, dim2=2).mean(dim=1)
    normal = normal + damping.view(-1, 1, 1) * torch.eye(4)
    return torch.linalg.solve(normal, wanted)[..., 0].clamp(-_LARGEST_STEP, _LARGEST_STEP)


def _compose(frames: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """Return the frames after a step that was found in their own coordinates."""
    x, y, growth, turn = step.unbind(dim=1)
    inner = torch.stack([1 + growth, -turn, x, turn, 1 + growth, y], dim=1).view(-1, 2, 3)
    linear = frames[:, :, :2] @ inner[:, :, :2]
    shift = frames[:, :, :2] @ inner[:, :, 2:] + frames[:, :, 2:]
    return torch.cat([linear, shift], dim=2)
