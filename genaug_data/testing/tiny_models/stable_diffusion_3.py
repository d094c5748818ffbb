"""A tiny Stable Diffusion 3."""

from __future__ import annotations

from pathlib import Path

from genaug_data.testing.tiny_models.autoencoders import shifted_autoencoder_kl
from genaug_data.testing.tiny_models.saving import save, seeded
from genaug_data.testing.tiny_models.words import WIDTH, clip_encoder, clip_tokenizer, heeding, t5_encoder, t5_tokenizer


def save_stable_diffusion_3(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a pipeline built like Stable Diffusion 3, with three text encoders, and return its folder.

    Args:
        folder: to write to.
        seed: of the weights.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    tokenizer, letters = clip_tokenizer(), t5_tokenizer()
    with seeded(seed):
        pipeline = StableDiffusion3Pipeline(
            vae=shifted_autoencoder_kl(),
            text_encoder=clip_encoder(tokenizer, projects=True),
            text_encoder_2=clip_encoder(tokenizer, projects=True),
            text_encoder_3=t5_encoder(letters, 2 * WIDTH),
            tokenizer=tokenizer,
            tokenizer_2=clip_tokenizer(),
            tokenizer_3=letters,
            transformer=heeding(
                SD3Transformer2DModel(
                    sample_size=32,
                    in_channels=16,
                    out_channels=16,
                    num_layers=2,
                    attention_head_dim=8,
                    num_attention_heads=2,
                    joint_attention_dim=2 * WIDTH,
                    caption_projection_dim=16,
                    pooled_projection_dim=2 * WIDTH,
                    pos_embed_max_size=32,
                )
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        )
    return save(pipeline, folder)
