"""A tiny Stable Diffusion 1 or 2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from genaug_data.testing.tiny_models.autoencoders import autoencoder_kl
from genaug_data.testing.tiny_models.safety import safety_parts
from genaug_data.testing.tiny_models.saving import save, seeded
from genaug_data.testing.tiny_models.words import WIDTH, clip_encoder, clip_tokenizer


def save_stable_diffusion(
    folder: str | Path,
    *,
    channels: Sequence[int] = (4, 8),
    prediction: Literal["epsilon", "v_prediction"] = "epsilon",
    inpainting: bool = False,
    flagged_above: float | None = None,
    seed: int = 0,
) -> Path:
    """Write a pipeline built like Stable Diffusion 1.5 and return its folder.

    Every byte of a prompt is a token. The autoencoder halves an image once.

    Args:
        folder: to write to.
        channels: of each level of the denoiser, multiples of 4; the default has 100,000 weights in all.
        prediction: what the denoiser predicts: the noise, or a velocity as that of Stable Diffusion 2 does.
        inpainting: whether the denoiser sees mask and masked image as well, as one fine-tuned for inpainting does.
        flagged_above: threshold of a safety checker: -2 to flag all images, 2 to flag none; None for no checker.
        seed: of the weights.
    """
    from diffusers import DDIMScheduler, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline

    tokenizer = clip_tokenizer()
    with seeded(seed):
        text_encoder = clip_encoder(tokenizer)
        unet = tiny_unet(channels, in_channels=9 if inpainting else 4)
        vae = autoencoder_kl()
        safety = safety_parts(flagged_above)
    kind = StableDiffusionInpaintPipeline if inpainting else StableDiffusionImg2ImgPipeline
    pipeline = kind(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1, prediction_type=prediction),
        **safety,
    )
    return save(pipeline, folder)


def tiny_unet(channels: Sequence[int] = (4, 8), **settings: Any) -> Any:
    """Return a denoiser of Stable Diffusion; ``settings`` are more of its arguments."""
    from diffusers import UNet2DConditionModel

    arguments = {
        "sample_size": 64,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": tuple(channels),
        "norm_num_groups": 4,
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", *["CrossAttnDownBlock2D"] * (len(channels) - 1)),
        "up_block_types": (*["CrossAttnUpBlock2D"] * (len(channels) - 1), "UpBlock2D"),
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 2,
    }
    return UNet2DConditionModel(**arguments | settings).eval()
