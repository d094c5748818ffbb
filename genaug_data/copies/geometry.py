"""Which parts of an image are looked at: crops and turns of a known image, tiles of a new one."""

from __future__ import annotations

import math
from functools import cache

import torch

IDENTITY = (1.0, 1.0, 0.0, 0.0, 0.0)
"""A frame: half its width and height, its angle in degrees, and its centre (x, y); the image is [-1, 1] both ways."""

SPARSE_VIEWS = [0, *(3 + place for place in range(16) if (place // 4 + place % 4) % 2 == 0)]
"""Of :func:`views`, the whole and every second of the 16 small crops, as the fields of one colour on a board."""

Frame = tuple[float, float, float, float, float]

_CROP = 0.7
_MILD_CROP = 0.85
_TURN = 8.0
_SMALLEST_TILE = 0.25
_PART = 0.8


def views() -> list[Frame]:
    """Return the 28 frames of an image that stand for its crops down to 0.6 of its sides and turns up to 12 degrees.

    Frames are so dense that any crop overlaps one of them enough for registration to find the rest of the way: 16 of
    0.7 of the sides, 9 of 0.85, the whole, and the whole turned by 8 degrees to either side.
    """
    turned = [(1.0, 1.0, angle, 0.0, 0.0) for angle in (-_TURN, _TURN)]
    return [IDENTITY, *turned, *_spread(_CROP, _CROP, 4, 4), *_spread(_MILD_CROP, _MILD_CROP, 3, 3)]


def tiles(height_share: float, width_share: float) -> list[Frame]:
    """Return the frames of a new image in which a known one may lie as a part.

    Args:
        height_share: height of the known images over that of the new one.
        width_share: likewise of the widths.

    Returns:
        Frames of the size of the known images (at least a quarter of the sides), at steps of a tenth of it or less;
        none where they are not much smaller than the new one.

    Example:
        >>> len(tiles(1.0, 1.0)), len(tiles(0.5, 0.5))
        (0, 121)
    """
    if min(height_share, width_share) > _PART:
        return []
    height, width = (min(1.0, max(_SMALLEST_TILE, share)) for share in (height_share, width_share))
    return _spread(width, height, _steps(width), _steps(height))


def matrices(frames: list[Frame]) -> torch.Tensor:
    """Return the affine maps, float32 ``(N, 2, 3)``, from the coordinates of each frame to those of its image.

    Example:
        >>> matrices([(0.5, 0.5, 0.0, 0.25, -0.25)])
        tensor([[[ 0.5000, -0.0000,  0.2500],
                 [ 0.0000,  0.5000, -0.2500]]])
    """
    rows = []
    for width, height, angle, x, y in frames:
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        rows.append([[cos * width, -sin * height, x], [sin * width, cos * height, y]])
    return torch.tensor(rows, dtype=torch.float32)


@cache
def points(side: int) -> torch.Tensor:
    """Return the centres of the pixels of a square image, and 1: across, down, 1, ``(3, side * side)``.

    Example:
        >>> points(2).tolist()
        [[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5], [1.0, 1.0, 1.0, 1.0]]
    """
    axis = (torch.arange(side) + 0.5) * 2 / side - 1
    down, across = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([across, down, torch.ones(side, side)]).flatten(1)


def grids(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Return where affine maps ``(N, 2, 3)`` take the pixels of a square image, ``(N, side, side, 2)``.

    As ``affine_grid`` without ``align_corners``, in one product for all maps.
    """
    return (maps.reshape(-1, 3) @ points(side)).view(-1, 2, side, side).permute(0, 2, 3, 1)


def look(images: torch.Tensor, frames: torch.Tensor, side: int) -> torch.Tensor:
    """Return what every image shows in every frame, averaged down.

    Args:
        images: float32 ``(N, C, H, W)``.
        frames: affine maps ``(M, 2, 3)``.
        side: height and width of what is returned.

    Returns:
        float32 ``(N, M, C, side, side)``; what lies outside is mirrored in.
    """
    count, channels = images.shape[:2]
    grid = grids(frames, 2 * side)
    # All frames of an image in one call: a column of grids.
    grid = grid.reshape(1, len(frames) * 2 * side, 2 * side, 2).expand(count, -1, -1, -1)
    seen = torch.nn.functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    seen = torch.nn.functional.avg_pool2d(seen, 2)
    return seen.reshape(count, channels, len(frames), side, side).transpose(1, 2)


def _spread(width: float, height: float, columns: int, rows: int) -> list[Frame]:
    """Return frames of one size, spread evenly from edge to edge."""
    across = [(1 - width) * (2 * column / max(1, columns - 1) - 1) for column in range(columns)]
    down = [(1 - height) * (2 * row / max(1, rows - 1) - 1) for row in range(rows)]
    return [(width, height, 0.0, x, y) for y in down for x in across]


def _steps(share: float) -> int:
    return 1 + math.ceil(10 * (1 - share) / share - 1e-9)
