"""A tiny Flux."""

from __future__ import annotations

from pathlib import Path

from genaug_data.testing.tiny_models.autoencoders import shifted_autoencoder_kl
from genaug_data.testing.tiny_models.saving import save, seeded
from genaug_data.testing.tiny_models.words import WIDTH, clip_encoder, clip_tokenizer, heeding, t5_encoder, t5_tokenizer


def save_flux(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a pipeline built like Flux, which is told the guidance scale, and return its folder.

    Args:
        folder: to write to.
        seed: of the weights.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    tokenizer, letters = clip_tokenizer(), t5_tokenizer()
    with seeded(seed):
        pipeline = FluxPipeline(
            vae=shifted_autoencoder_kl(),
            text_encoder=clip_encoder(tokenizer),
            text_encoder_2=t5_encoder(letters, WIDTH),
            tokenizer=tokenizer,
            tokenizer_2=letters,
            transformer=heeding(
                FluxTransformer2DModel(
                    # Four latent pixels of 16 channels are one token.
                    in_channels=64,
                    num_layers=1,
                    num_single_layers=1,
                    attention_head_dim=8,
                    num_attention_heads=2,
                    joint_attention_dim=WIDTH,
                    pooled_projection_dim=WIDTH,
                    guidance_embeds=True,
                    axes_dims_rope=(2, 2, 4),
                )
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        )
    return save(pipeline, folder)
