"""Networks of random weights in the shape of well-known models: speed does not depend on what they have learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from genaug_data.generators.pretrained import DiffusersModel
from genaug_data.sample import Recipe
from genaug_data.testing.tiny_models import save_stable_diffusion


@dataclass(frozen=True)
class Setting:
    """What is timed: a model in a folder, a recipe, a size and a batch.

    Args:
        name: in figures and tables.
        folder: of the saved pipeline.
        model: the same, as a generator takes it.
        recipe: of all variants.
        size: sides of the images.
        batch: images a call.
        dtype: of the weights.
        autoencoder: folder of a tiny autoencoder that takes the place of the model's own, or None.
    """

    name: str
    folder: Path
    model: DiffusersModel
    recipe: Recipe
    size: int
    batch: int
    dtype: torch.dtype
    autoencoder: Path | None = None


def tiny(folder: Path, size: int) -> Setting:
    """Return a model of a hundred thousand weights: on a CPU, what is measured is what lies around it."""
    saved = save_stable_diffusion(folder / "tiny")
    recipe = Recipe(strength=0.5, guidance_scale=2.0, steps=8)
    return Setting("tiny", saved, DiffusersModel(str(saved)), recipe, size, 16, torch.float32)


def stable_diffusion_15(folder: Path) -> Setting:
    """Return a model in the shape of Stable Diffusion 1.5: 10 steps with guidance at 512 pixels."""
    saved = _save(folder / "sd15", width=768, layers=12, heads=8, linear=False)
    model = DiffusersModel(str(saved), dtype="bfloat16", channels_last=True)
    return Setting("sd15", saved, model, Recipe(0.5, 2.0, 20), 512, 16, torch.bfloat16)


def turbo(folder: Path) -> Setting:
    """Return a model in the shape of SD-Turbo: one step without guidance at 512 pixels, with a tiny autoencoder."""
    from diffusers import AutoencoderTiny

    saved = _save(folder / "turbo", width=1024, layers=23, heads=[5, 10, 20, 20], linear=True)
    AutoencoderTiny().to(torch.bfloat16).save_pretrained(folder / "taesd")
    model = DiffusersModel(
        str(saved), dtype="bfloat16", channels_last=True, compile=True, autoencoder=str(folder / "taesd")
    )
    return Setting("turbo", saved, model, Recipe(0.5, 1.0, 2), 512, 32, torch.bfloat16, folder / "taesd")


def denoiser(*, width: int, heads: int | list[int], linear: bool) -> Any:
    """Return a UNet of the size that Stable Diffusion 1.x and 2.x have in common."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=64, cross_attention_dim=width, attention_head_dim=heads, use_linear_projection=linear
    )


def _save(folder: Path, *, width: int, layers: int, heads: int | list[int], linear: bool) -> Path:
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(save_stable_diffusion(folder / "words") / "tokenizer")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet = denoiser(width=width, heads=heads, linear=linear)
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            sample_size=512,
        )
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=width,
                intermediate_size=4 * width,
                num_hidden_layers=layers,
                num_attention_heads=width // 64,
                bos_token_id=len(tokenizer) - 2,
                eos_token_id=len(tokenizer) - 1,
                pad_token_id=len(tokenizer) - 1,
            )
        )
    pipeline = StableDiffusionPipeline(
        vae=vae.to(torch.bfloat16),
        text_encoder=text_encoder.to(torch.bfloat16),
        tokenizer=tokenizer,
        unet=unet.to(torch.bfloat16),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="trailing"
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder
