"""Where an image is light and which colour, in 43 numbers: what finds candidates fast."""

from __future__ import annotations

import math
from functools import cache

import torch

from genaug_data.copies.cosines import cosine_basis

SIDE = 6
"""Height and width of what a layout is worked out from."""

_LUMINANCE, _COLOUR = 6, 3
_COLOUR_WEIGHT = 1.5
# Contrast below about three grey levels is no layout.
_FLAT = 0.05

# Those that do not change when the image is mirrored come first; the others change their sign.
_FREQUENCIES: list[tuple[int, int, int]] = sorted(
    (
        (channel, v, h)
        for channel, limit in enumerate((_LUMINANCE, _COLOUR, _COLOUR))
        for v in range(SIDE)
        for h in range(SIDE)
        if 0 < v + h <= limit
    ),
    key=lambda place: place[2] % 2,
)

WIDTH = len(_FREQUENCIES)
"""Numbers in a layout."""

EVEN_WIDTH = sum(h % 2 == 0 for _, _, h in _FREQUENCIES)
"""The first so many do not change when the image is mirrored; the others change their sign."""


def layouts(images: torch.Tensor) -> torch.Tensor:
    """Return the low frequencies (cosine transform) of luminance and two opponent colours, of length 1.

    Higher frequencies count more, by the root of the frequency, against the spectrum of photographs. Mean, brightness
    and contrast do not count.

    Args:
        images: float32 ``(..., 3, 6, 6)``, red, green, blue, values in [0, 1].

    Returns:
        float32 ``(..., 43)``; of an image without contrast, nearly 0. Close layouts have a product near 1.

    Example:
        >>> ramp = torch.linspace(0, 1, 6).expand(3, 6, 6)
        >>> there, mirrored = layouts(torch.stack([ramp, ramp.flip(2)]))
        >>> round(float(there @ there), 2), round(float(there @ mirrored), 2)
        (1.0, -1.0)
    """
    opponents = torch.einsum("oc,...chw->...ohw", _opponents(), images)
    basis = cosine_basis(SIDE)
    spectrum = basis @ opponents @ basis.T
    channel, v, h = torch.tensor(_FREQUENCIES).T
    chosen = spectrum[..., channel, v, h] * _weights()
    return chosen / (chosen.square().sum(dim=-1, keepdim=True) + _FLAT**2).sqrt()


@cache
def _weights() -> torch.Tensor:
    return torch.tensor([math.hypot(v, h) ** 0.5 * (_COLOUR_WEIGHT if c else 1.0) for c, v, h in _FREQUENCIES])


@cache
def _opponents() -> torch.Tensor:
    rows = torch.tensor([[0.299, 0.587, 0.114], [0.5, -0.5, 0.0], [0.25, 0.25, -0.5]])
    return rows / rows.norm(dim=1, keepdim=True)
