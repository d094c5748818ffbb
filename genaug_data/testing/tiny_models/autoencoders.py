"""Autoencoders of tiny models: each halves an image once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genaug_data.testing.tiny_models.saving import save, seeded


def autoencoder_kl(latent_channels: int = 4, **settings: Any) -> Any:
    """Return an ``AutoencoderKL``; ``settings`` are more of its arguments."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=latent_channels,
        norm_num_groups=4,
        **settings,
    ).eval()


def shifted_autoencoder_kl() -> Any:
    """Return the autoencoder of newer families, whose latent images are shifted and have 16 channels."""
    # Chosen so that latent images of noise are about as large as the noise that is added, as those of real models are.
    return autoencoder_kl(16, scaling_factor=8.0, shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False)


def save_autoencoder_tiny(
    folder: str | Path,
    *,
    latent_channels: int = 4,
    scaling_factor: float = 1.0,
    shift_factor: float = 0.0,
    seed: int = 0,
) -> Path:
    """Write an ``AutoencoderTiny`` that takes the place of the tiny models' own, and return its folder.

    Args:
        folder: to write to.
        latent_channels: 4, or 16 for Stable Diffusion 3 and Flux.
        scaling_factor: by which latent images are multiplied.
        shift_factor: that is subtracted from them before.
        seed: of the weights.
    """
    from diffusers import AutoencoderTiny

    with seeded(seed):
        network = AutoencoderTiny(
            encoder_block_out_channels=(4, 4),
            decoder_block_out_channels=(4, 4),
            num_encoder_blocks=(1, 1),
            num_decoder_blocks=(1, 1),
            latent_channels=latent_channels,
            scaling_factor=scaling_factor,
            shift_factor=shift_factor,
        )
    return save(network.eval(), folder)
