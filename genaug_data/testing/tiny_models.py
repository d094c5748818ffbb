"""Pipelines of random weights, written to disk: to try what is meant for pretrained ones, without any download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch


def save_stable_diffusion(folder: str | Path, *, channels: Sequence[int] = (4, 8), seed: int = 0) -> Path:
    """Write a pipeline built like Stable Diffusion 1.5 and return its folder.

    Every byte of a prompt is a token. The autoencoder halves an image once.

    Args:
        folder: to write to.
        channels: of each level of the denoiser, multiples of 4; the default has 100,000 weights in all.
        seed: of the weights.
    """
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionImg2ImgPipeline, UNet2DConditionModel
    from diffusers.utils import logging
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=77)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(words),
                bos_token_id=len(words) - 2,
                eos_token_id=len(words) - 1,
                pad_token_id=len(words) - 1,
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=77,
                projection_dim=32,
            )
        )
        unet = UNet2DConditionModel(
            sample_size=64,
            in_channels=4,
            out_channels=4,
            block_out_channels=tuple(channels),
            norm_num_groups=4,
            layers_per_block=1,
            down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (len(channels) - 1)),
            up_block_types=(*["CrossAttnUpBlock2D"] * (len(channels) - 1), "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=2,
        )
        vae = AutoencoderKL(
            block_out_channels=(4, 8),
            down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
            up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
            latent_channels=4,
            norm_num_groups=4,
        )
    pipeline = StableDiffusionImg2ImgPipeline(
        vae=vae.eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    logging.disable_progress_bar()
    pipeline.save_pretrained(folder)
    return Path(folder)
