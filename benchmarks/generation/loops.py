"""Three ways to make the same variants: as published scripts do, as an expert would by hand, and ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from benchmarks.generation.networks import Setting
from genaug_data.cache import CacheReader
from genaug_data.generators.pretrained import ClassPrompt, ImageToImage
from genaug_data.sample import Request, Sample
from genaug_data.workers import Budget, InlineWorker, Job

CLASSES = ("cat", "dog", "bird")


def load(setting: Setting, device: torch.device, *, fast: bool) -> Any:
    """Return the pipeline of diffusers, with the tiny autoencoder and the memory format of an expert where ``fast``."""
    from diffusers import AutoencoderTiny, AutoPipelineForImage2Image

    pipeline = AutoPipelineForImage2Image.from_pretrained(
        setting.folder, local_files_only=True, use_safetensors=True, dtype=setting.dtype
    )
    if fast and setting.autoencoder is not None:
        pipeline.vae = AutoencoderTiny.from_pretrained(setting.autoencoder, dtype=setting.dtype)
    pipeline.to(device)
    if fast and setting.model.channels_last:
        pipeline.unet.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
    if fast and setting.model.compile:
        pipeline.unet.compile_repeated_blocks()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def naive(pipeline: Callable, setting: Setting, parents: Sequence[Sample]) -> list[torch.Tensor]:
    """Return a variant of each parent, one image a call, as the published scripts do."""
    return [
        pil_to_tensor(
            pipeline(
                prompt=f"a photo of a {CLASSES[parent.target]}",
                image=to_pil_image(parent.image),
                strength=setting.recipe.strength,
                guidance_scale=setting.recipe.guidance_scale,
                num_inference_steps=setting.recipe.steps,
                generator=torch.Generator().manual_seed(number),
            ).images[0]
        )
        for number, parent in enumerate(parents)
    ]


@torch.no_grad()
def encoded(pipeline: Any) -> dict[int, torch.Tensor]:
    """Return the prompt of each class as the model takes it, and at -1 that of nothing."""
    told = {number: f"a photo of a {name}" for number, name in enumerate(CLASSES)} | {-1: ""}
    return {number: pipeline.encode_prompt(text, pipeline.device, 1, False)[0] for number, text in told.items()}


def tuned(
    pipeline: Callable, setting: Setting, words: dict[int, torch.Tensor], parents: Sequence[Sample]
) -> list[torch.Tensor]:
    """Return the same by batches of tensors, with prompts that were encoded before."""
    made: list[torch.Tensor] = []
    recipe = setting.recipe
    for start in range(0, len(parents), setting.batch):
        part = parents[start : start + setting.batch]
        against = {"negative_prompt_embeds": words[-1].expand(len(part), -1, -1)} if recipe.guidance_scale > 1 else {}
        images = pipeline(
            prompt_embeds=torch.cat([words[parent.target] for parent in part]),
            image=torch.stack([parent.image for parent in part]).float() / 255,
            strength=recipe.strength,
            guidance_scale=recipe.guidance_scale,
            num_inference_steps=recipe.steps,
            generator=[torch.Generator().manual_seed(start + place) for place in range(len(part))],
            output_type="pt",
            **against,
        ).images
        made += list((images.float() * 255).round().byte().cpu())
    return made


class Ours:
    """The whole path: requests to a worker, variants through no gate, records in a cache on disk.

    Args:
        setting: what is timed.
        parents: of which each call takes the next ``count``, and begins anew behind the last.
        count: variants a call.
        folder: of the cache.
        device: where.
    """

    def __init__(
        self, setting: Setting, parents: Sequence[Sample], count: int, folder: Path, device: torch.device
    ) -> None:
        generator = ImageToImage(setting.model, prompts=ClassPrompt(CLASSES), batch_size=setting.batch, device=device)
        self._folder, self._count, self._made = folder, count, 0
        self._setting, self._parents = setting, parents
        job = Job(
            parents, generator, [], folder, "benchmark", 1 << 32, batch_size=setting.batch, device=str(device),
            progress=False,
        )  # fmt: skip
        self._worker = InlineWorker(job, Budget(), capacity=count)
        self._worker.start()
        while self._worker.stats().state == "starting":
            self._worker.poll()

    def __call__(self) -> int:
        """Make one variant of each of the next parents, and return how many were made in all."""
        numbers = range(self._made, self._made + self._count)
        self._worker.submit(
            [Request(number % len(self._parents), number, self._setting.recipe, seed=number) for number in numbers]
        )
        while self._worker.stats().outstanding:
            self._worker.poll()
        self._made += self._count
        return self._made

    def close(self) -> int:
        """Stop, and return how many records there are."""
        self._worker.close()
        with CacheReader(self._folder) as reader:
            return reader.stats().records
