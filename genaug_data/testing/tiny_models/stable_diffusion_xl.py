"""A tiny Stable Diffusion XL."""

from __future__ import annotations

from pathlib import Path

from genaug_data.testing.tiny_models.autoencoders import autoencoder_kl
from genaug_data.testing.tiny_models.saving import save, seeded
from genaug_data.testing.tiny_models.stable_diffusion import tiny_unet
from genaug_data.testing.tiny_models.words import WIDTH, clip_encoder, clip_tokenizer

_TIME_WIDTH = 8


def save_stable_diffusion_xl(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a pipeline built like Stable Diffusion XL, with two text encoders, and return its folder.

    Args:
        folder: to write to.
        seed: of the weights.
    """
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    tokenizer = clip_tokenizer()
    with seeded(seed):
        pipeline = StableDiffusionXLPipeline(
            vae=autoencoder_kl(scaling_factor=0.13025),
            text_encoder=clip_encoder(tokenizer),
            text_encoder_2=clip_encoder(tokenizer, projects=True),
            tokenizer=tokenizer,
            tokenizer_2=clip_tokenizer(),
            unet=tiny_unet(
                cross_attention_dim=2 * WIDTH,
                addition_embed_type="text_time",
                addition_time_embed_dim=_TIME_WIDTH,
                # Six numbers tell size and crop of the images that it was trained on.
                projection_class_embeddings_input_dim=6 * _TIME_WIDTH + WIDTH,
            ),
            scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading"),
            add_watermarker=False,
        )
    return save(pipeline, folder)
