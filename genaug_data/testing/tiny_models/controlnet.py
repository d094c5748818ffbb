"""A tiny ControlNet for a tiny model with a UNet."""

from __future__ import annotations

from pathlib import Path

import torch

from genaug_data.testing.tiny_models.saving import save, seeded


def save_controlnet(folder: str | Path, *, of: str | Path, seed: int = 0) -> Path:
    """Write a ControlNet for a saved model, and return its folder.

    Args:
        folder: to write to.
        of: folder of a Stable Diffusion, XL or not.
        seed: of the weights.
    """
    from diffusers import ControlNetModel, UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(Path(of) / "unet", local_files_only=True, use_safetensors=True)
    with seeded(seed):
        network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 8))
        # They are zero before the training, and a ControlNet would change nothing.
        for layer in [*network.controlnet_down_blocks, network.controlnet_mid_block]:
            torch.nn.init.normal_(layer.weight, std=0.5)
        torch.nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=0.5)
    return save(network.eval(), folder)
