"""Two images laid over each other as well as they go, by shifting, scaling and turning one."""

from __future__ import annotations

import torch
from torch.nn import functional

from genaug_data.copies.geometry import grids, points

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
    frames = start
    for _ in range(STEPS):
        laid, weights = _lay(known, frames)
        frames = _compose(frames, _step(laid, seen, weights))
    laid, weights = _lay(known, frames)
    products = _products(torch.stack([laid, seen], dim=1), weights)
    spread = (products[:, 0, 0] + _FLAT) * (products[:, 1, 1] + _FLAT)
    distance = 1 - products[:, 0, 1] / spread.sqrt()
    overlap = (weights > 0).float().mean(dim=1)
    scale = torch.linalg.det(frames[:, :, :2]).abs().sqrt()
    sound = (overlap >= _LEAST_OVERLAP) & (scale > _SMALLEST_SCALE)
    return torch.where(sound, distance.clamp(0, 1), torch.ones(()))


def smoothed(images: torch.Tensor) -> torch.Tensor:
    """Return images ``(N, C, H, W)`` blurred by the weights 1, 2, 1 both ways: noise and resampling count less."""
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1].mul(2).add_(padded[..., :-2]).add_(padded[..., 2:])
    return across[..., 1:-1, :].mul(2).add_(across[..., :-2, :]).add_(across[..., 2:, :]).div_(16)


def _lay(known: torch.Tensor, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``known`` as seen through the frames, and the weight of each point ``(N, 256)``, sum 1 or 0."""
    grid = grids(frames, SIDE)
    laid = functional.grid_sample(known, grid, padding_mode="border", align_corners=False)
    inside = (grid.abs() <= 1 - _MARGIN).all(dim=3).flatten(1).float()
    return laid, inside / inside.sum(dim=1, keepdim=True).clamp(min=1)


def _products(images: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the covariances, summed over channels, of K images at a time: of ``(N, K, C, 16, 16)``, ``(N, K, K)``.

    The images are weighted in place.
    """
    count, each, channels = images.shape[:3]
    root = weights.sqrt()
    images.mul_(root.view(count, 1, 1, SIDE, SIDE))
    means = (images.view(count, each * channels, -1) @ root.unsqueeze(2)).view(count, each, channels)
    flat = images.view(count, each, -1)
    return flat @ flat.transpose(1, 2) - means @ means.transpose(1, 2)


def _step(laid: torch.Tensor, seen: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the shift across and down, the growth and the turn ``(N, 4)`` that explain the rest best."""
    across, down, _ = points(SIDE).view(3, SIDE, SIDE)
    # What each effect changes in what is seen, then the images themselves, without a copy of any.
    images = laid.new_empty(len(laid), 6, *laid.shape[1:])
    to_right, to_below, growth, turn, first, second = images.unbind(dim=1)
    padded = functional.pad(laid, (1, 1, 1, 1), mode="replicate")
    torch.sub(padded[..., 1:-1, 2:], padded[..., 1:-1, :-2], out=to_right)
    torch.sub(padded[..., 2:, 1:-1], padded[..., :-2, 1:-1], out=to_below)
    torch.mul(to_right, across, out=growth).addcmul_(to_below, down)
    torch.mul(to_below, across, out=turn).addcmul_(to_right, down, value=-1)
    first.copy_(laid)
    second.copy_(seen)
    products = _products(images, weights)
    # A unit is half the frame, and slopes are differences over two points.
    unit = SIDE / 4
    gain = (products[:, 4, 5] / (products[:, 4, 4] + _FLAT)).clamp(0.3, 3.0)
    normal = (gain * unit).square().view(-1, 1, 1) * products[:, :4, :4]
    wanted = (gain * unit).unsqueeze(1) * (products[:, :4, 5] - gain.unsqueeze(1) * products[:, :4, 4])
    damping = 1e-3 + 0.01 * normal.diagonal(dim1=1, dim2=2).mean(dim=1)
    normal = normal + damping.view(-1, 1, 1) * torch.eye(4)
    return torch.linalg.solve(normal, wanted).clamp(-_LARGEST_STEP, _LARGEST_STEP)


def _compose(frames: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """Return the frames after a step that was found in their own coordinates."""
    x, y, growth, turn = step.unbind(dim=1)
    inner = torch.stack([1 + growth, -turn, x, turn, 1 + growth, y], dim=1).view(-1, 2, 3)
    linear = frames[:, :, :2] @ inner[:, :, :2]
    shift = frames[:, :, :2] @ inner[:, :, 2:] + frames[:, :, 2:]
    return torch.cat([linear, shift], dim=2)
