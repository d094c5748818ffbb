"""A tiny latent consistency model."""

from __future__ import annotations

from pathlib import Path

from genaug_data.testing.tiny_models.autoencoders import autoencoder_kl
from genaug_data.testing.tiny_models.safety import safety_parts
from genaug_data.testing.tiny_models.saving import save, seeded
from genaug_data.testing.tiny_models.stable_diffusion import tiny_unet
from genaug_data.testing.tiny_models.words import clip_encoder, clip_tokenizer


def save_latent_consistency(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a pipeline built like the latent consistency models, which are told the guidance scale, for a few steps.

    Args:
        folder: to write to, which is returned.
        seed: of the weights.
    """
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    tokenizer = clip_tokenizer()
    with seeded(seed):
        pipeline = LatentConsistencyModelPipeline(
            vae=autoencoder_kl(),
            text_encoder=clip_encoder(tokenizer),
            tokenizer=tokenizer,
            unet=tiny_unet(time_cond_proj_dim=32),
            scheduler=LCMScheduler(clip_sample=False),
            **safety_parts(None),
        )
    return save(pipeline, folder)
