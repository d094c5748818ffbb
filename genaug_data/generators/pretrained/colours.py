"""Images of one, three or four channels, as models that know colours take and return them."""

from __future__ import annotations

import torch

from genaug_data.errors import GeneratorError


def to_colours(images: torch.Tensor) -> torch.Tensor:
    """Return float ``(B, 3, H, W)`` in [0, 1], of images ``(B, C, H, W)`` in [-1, 1]; a fourth channel is left out.

    Raises:
        GeneratorError: images have two channels, or more than four.
    """
    channels = images.shape[1]
    if channels not in (1, 3, 4):
        raise GeneratorError(f"images must have 1, 3 or 4 channels, got {channels}; pretrained models know colours")
    colours = images.expand(-1, 3, -1, -1) if channels == 1 else images[:, :3]
    return colours.add(1).div(2)


def from_colours(made: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return what a model made, float ``(B, 3, H, W)`` in [0, 1], with the channels of the parents' ``images``.

    Grey images get the mean of the colours; a fourth channel is the parent's.

    Example:
        >>> made, grey = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1), torch.zeros(1, 1, 1, 1)
        >>> from_colours(made, grey).item(), from_colours(made, torch.ones(1, 4, 1, 1)).flatten().tolist()
        (0.0, [-1.0, 0.0, 1.0, 1.0])
    """
    made = made.to(images).mul(2).sub(1)
    return made.mean(1, keepdim=True) if images.shape[1] == 1 else torch.cat([made, images[:, 3:]], 1)
