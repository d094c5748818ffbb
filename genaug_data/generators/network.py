"""The network of the diffusion models: a small U-Net that is given the condition beside the noisy image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import nn

from genaug_data.generators.condition import Condition
from genaug_data.generators.initialising import initialise
from genaug_data.generators.settings import NORM_GROUPS
from genaug_data.seeding import torch_generator

_ATTENTION_FROM = 3
"""Levels from which the middle of the network has attention; below, its convolutions see the whole image anyway."""


class ConditionalUNet(nn.Module):
    """Predicts the velocity of the diffusion, with diffusers' ``UNet2DModel`` as backbone.

    Args:
        condition: class: its embedding is added to that of the noise level; mask or image: its channels are
            concatenated to the noisy image.
        image_channels: of the images, ``C``.
        channels: of each level.

    Shape:
        ``forward(noisy (B, C, H, W), level (B,), encoded condition) -> (B, C, H, W)``; H and W are multiples of
        ``2 ** (len(channels) - 1)``.
    """

    def __init__(self, condition: Condition, image_channels: int, channels: Sequence[int]) -> None:
        super().__init__()
        from diffusers import UNet2DModel

        self._kind = condition.kind
        number, levels = len(condition.classes), len(channels)
        self.unet = UNet2DModel(
            in_channels=image_channels + condition.channels_beside(image_channels),
            out_channels=image_channels,
            block_out_channels=tuple(channels),
            layers_per_block=1,
            down_block_types=("DownBlock2D",) * levels,
            up_block_types=("UpBlock2D",) * levels,
            add_attention=levels >= _ATTENTION_FROM,
            norm_num_groups=NORM_GROUPS,
            num_class_embeds=number + 1 if self._kind == "class" else None,
        )

    def forward(self, noisy: torch.Tensor, level: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Return the velocity at noise ``level`` (1..LEVELS)."""
        timestep = level - 1
        if self._kind == "class":
            return self.unet(noisy, timestep, class_labels=condition, return_dict=False)[0]
        return self.unet(torch.cat([noisy, condition], dim=1), timestep, return_dict=False)[0]


def new_network(condition: Condition, image_channels: int, channels: Sequence[int], seed: int) -> ConditionalUNet:
    """Return a network on the CPU whose weights are a function of ``seed``."""
    network = _empty_network(condition, image_channels, channels).to_empty(device="cpu")
    generator = torch_generator(seed)
    for module in network.modules():
        initialise(module, generator)
    # The first prediction is 0 everywhere, from where the fit is quicker (arXiv:2102.09672).
    nn.init.zeros_(cast(Any, network.unet).conv_out.weight)
    return network.to(memory_format=torch.channels_last)


def load_network(
    condition: Condition, image_channels: int, channels: Sequence[int], weights: dict[str, torch.Tensor]
) -> ConditionalUNet:
    """Return a network on the CPU that has copies of ``weights``."""
    network = _empty_network(condition, image_channels, channels).to_empty(device="cpu")
    network.load_state_dict(weights)
    return network.to(memory_format=torch.channels_last).requires_grad_(False).eval()


def _empty_network(condition: Condition, image_channels: int, channels: Sequence[int]) -> ConditionalUNet:
    # On the meta device, as torch's own initialisation draws from the global generator.
    with torch.device("meta"):
        return ConditionalUNet(condition, image_channels, channels)
