"""What an image looks like, in 320 numbers: a small grey image and the signs of its 64 lowest frequencies."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from genaug_data.copies.cosines import cosine_basis
from genaug_data.copies.reading import places_by_shape

SIDE = 16
"""Height and width of a thumbnail."""

FREQUENCIES: tuple[tuple[int, int], ...] = tuple(
    sorted(((v, h) for v in range(SIDE) for h in range(SIDE) if (v, h) != (0, 0)), key=lambda pair: (sum(pair), pair))[
        :64
    ]
)
"""Vertical and horizontal frequency of each bit of the hash: the 64 lowest, without the mean."""

_EVEN = [bit for bit, (_, h) in enumerate(FREQUENCIES) if h % 2 == 0]
_ODD = [bit for bit, (_, h) in enumerate(FREQUENCIES) if h % 2 == 1]

EVEN_WIDTH = SIDE * SIDE // 2 + len(_EVEN)
"""The first so many columns of a descriptor do not change when the image is mirrored; the others change their sign."""

# Two grey levels: below this contrast an image counts as flat, and its descriptor shrinks towards zero.
_FLAT = 2 / 255
# A coefficient below a hundredth of a grey level is rounding; its sign would not be the same in another batch.
_ROUNDING = 0.01 / 255


def thumbnails(images: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return small grey versions, so that images of any size and number of channels can be compared.

    Args:
        images: uint8 ``(C, H, W)``, of any mixture of shapes. Three channels are red, green, blue; of four the last
            is alpha and is left out; any other number is averaged.

    Returns:
        float32 ``(N, 16, 16)``, values in [0, 1].

    Example:
        >>> thumbnails([torch.full((3, 40, 60), 255, dtype=torch.uint8)]).mean()
        tensor(1.)
    """
    small = torch.empty(len(images), SIDE, SIDE)
    for rows in places_by_shape(images).values():
        batch = torch.stack([images[i] for i in rows]).float() / 255
        small[rows] = torch.nn.functional.adaptive_avg_pool2d(_gray(batch), SIDE)
    return small


def dct_signs(small: torch.Tensor) -> torch.Tensor:
    """Return the 64-bit perceptual hash: the signs of the lowest frequencies of the cosine transform (DCT-II).

    Brightness and contrast do not change it, and mirroring only changes the sign at odd horizontal frequencies.

    Args:
        small: ``(N, 16, 16)`` as :func:`thumbnails` returns them.

    Returns:
        float32 ``(N, 64)``, in the order of :data:`FREQUENCIES`: -1 or 1, and 0 where the coefficient vanishes.

    Example:
        >>> ramp = torch.linspace(1, 0, 16).expand(1, 16, 16)
        >>> dct_signs(ramp)[0, FREQUENCIES.index((0, 1))]
        tensor(1.)
    """
    basis = cosine_basis(SIDE)
    coefficients = basis @ (small - small.mean(dim=(1, 2), keepdim=True)) @ basis.T
    vertical, horizontal = torch.tensor(FREQUENCIES).T
    lowest = coefficients[:, vertical, horizontal]
    return lowest.sign() * (lowest.abs() > _ROUNDING)


def describe(images: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return descriptors, whose squared euclidean distance is the perceptual distance, in [0, 1].

    That distance is the mean of two: of the small images (each with mean 0 and norm at most 1/2, so that brightness
    and contrast do not count) and of the hashes (the share of the 64 bits that differ; one that is 0 in a single image
    counts for a quarter).

    Args:
        images: uint8 ``(C, H, W)``, of any mixture of shapes.

    Returns:
        float32 ``(N, 320)``; mirroring an image changes the sign of the columns from :data:`EVEN_WIDTH` on.

    Example:
        >>> image = torch.eye(16).mul(240).byte().unsqueeze(0)
        >>> there, darker, negative = describe([image, image // 2, 240 - image])
        >>> round(float((there - darker).square().sum()), 3), round(float((there - negative).square().sum()), 3)
        (0.0, 0.538)
    """
    small = thumbnails(images)
    signs = dct_signs(small) / 16
    centred = small - small.mean(dim=(1, 2), keepdim=True)
    scale = 2 * (centred.square().sum(dim=(1, 2), keepdim=True) + (SIDE * _FLAT) ** 2).sqrt()
    left, right = (centred / scale).chunk(2, dim=2)
    even, odd = (left + right.flip(2)) / math.sqrt(2), (left - right.flip(2)) / math.sqrt(2)
    parts = [even.flatten(1), signs[:, _EVEN], odd.flatten(1), signs[:, _ODD]]
    return torch.cat(parts, dim=1) * math.sqrt(0.5)


def _gray(batch: torch.Tensor) -> torch.Tensor:
    if batch.shape[1] in (3, 4):
        red, green, blue = batch[:, :3].unbind(dim=1)
        return red.mul(0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114)
    return batch.mean(dim=1)
