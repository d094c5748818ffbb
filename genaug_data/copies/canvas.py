"""Images of any size and number of channels as small colour images of one size."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genaug_data.copies.reading import places_by_shape


def canvases(images: Sequence[torch.Tensor], side: int) -> torch.Tensor:
    """Return small colour versions, averaged down.

    Args:
        images: uint8 ``(C, H, W)``, of any mixture of shapes. Three channels are red, green, blue; of four the last
            is alpha and is left out; any other number is averaged to grey.
        side: height and width of what is returned.

    Returns:
        float32 ``(N, 3, side, side)``, values in [0, 1].

    Example:
        >>> canvases([torch.full((1, 40, 60), 255, dtype=torch.uint8)], 32).shape
        torch.Size([1, 3, 32, 32])
    """
    small = torch.empty(len(images), 3, side, side)
    for places in places_by_shape(images).values():
        batch = torch.stack([images[place] for place in places]).float() / 255
        colour = batch[:, :3] if batch.shape[1] in (3, 4) else batch.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
        is_small = colour.shape[2:] == (side, side)
        small[places] = colour if is_small else torch.nn.functional.adaptive_avg_pool2d(colour, side)
    return small
