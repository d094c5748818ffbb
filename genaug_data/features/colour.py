"""Images of one, three or four channels, as networks that know colours take them."""

from __future__ import annotations

import torch

from genaug_data.errors import ConfigError


def in_colour(images: torch.Tensor) -> torch.Tensor:
    """Return images ``(N, 3, H, W)`` of images of one, three or four channels.

    Grey is shown in three equal channels; a fourth channel is left out.

    Raises:
        ConfigError: there are two channels, or more than four.
    """
    channels = images.shape[1]
    if channels not in (1, 3, 4):
        raise ConfigError(f"images must have 1, 3 or 4 channels for these features, found {channels}: pass others")
    return images.expand(-1, 3, -1, -1) if channels == 1 else images[:, :3]
