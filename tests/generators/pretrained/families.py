"""The families of diffusers that pretrained generators serve, and what is asked of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import torch

from genaug_data.generators.pretrained import FixedPrompt, ImageToImage, Inpainting, TextToImage
from genaug_data.generators.pretrained.base import PretrainedGenerator
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing import tiny_models

FAMILIES: dict[str, Callable[[Path], Path]] = {
    "stable_diffusion": tiny_models.save_stable_diffusion,
    "stable_diffusion_2": partial(tiny_models.save_stable_diffusion, prediction="v_prediction"),
    "inpainting": partial(tiny_models.save_stable_diffusion, inpainting=True),
    "stable_diffusion_xl": tiny_models.save_stable_diffusion_xl,
    "stable_diffusion_3": tiny_models.save_stable_diffusion_3,
    "flux": tiny_models.save_flux,
    "latent_consistency": tiny_models.save_latent_consistency,
}
MEMBERS = {"image": ImageToImage, "text": TextToImage, "inpainting": Inpainting}
# A denoiser that sees a mask is for inpainting alone, and diffusers has no inpainting with latent consistency models.
PAIRS = [
    (family, member)
    for family in FAMILIES
    for member in MEMBERS
    if (family == "inpainting") <= (member == "inpainting") and (family, member) != ("latent_consistency", "inpainting")
]
RECIPE = Recipe(strength=0.5, guidance_scale=3.0, steps=4)


def opened(folder: Path, member: str = "image", *, prompt: str = "a cat", **settings: Any) -> PretrainedGenerator:
    """Return a member with a tiny model on the CPU."""
    settings = {"prompts": FixedPrompt(prompt, negative="blurred"), "device": "cpu", **settings}
    if member == "inpainting":
        settings["classes"] = [1]
    return MEMBERS[member](str(folder), **settings)


def told(generator: PretrainedGenerator, prompt: str, negative: str = "blurred") -> PretrainedGenerator:
    """Return a generator that tells the same pipeline in memory something else."""
    other = copy(generator)
    other.prompts = FixedPrompt(prompt, negative=negative)
    return other


def samples(count: int, shape: tuple[int, ...] = (3, 16, 16), member: str = "image") -> list[Sample]:
    """Return images of noise of class 1, for inpainting with masks whose left half is of class 1."""
    draw = torch_generator(3)
    mask = torch.zeros(shape[1:], dtype=torch.int64)
    mask[:, : shape[2] // 2] = 1
    target = mask if member == "inpainting" else 1
    return [Sample(torch.randint(0, 255, shape, dtype=torch.uint8, generator=draw), target) for _ in range(count)]


def requests(count: int, recipe: Recipe = RECIPE) -> list[Request]:
    return [Request(number, 0, recipe, seed=100 + number) for number in range(count)]


def furthest(some: Sequence[Sample], others: Sequence[Sample]) -> int:
    """Return the greatest difference of two pixels, in grey levels."""
    return max(int((a.image.int() - b.image.int()).abs().max()) for a, b in zip(some, others, strict=True))
