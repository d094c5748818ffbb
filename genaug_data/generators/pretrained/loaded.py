"""A pipeline of diffusers in memory: told what to make, it makes it in one call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from genaug_data.generators.pretrained.latents import Latents
from genaug_data.generators.pretrained.loading import multiple_of, place
from genaug_data.generators.pretrained.model import DiffusersModel
from genaug_data.generators.pretrained.precision import in_float32
from genaug_data.generators.pretrained.quiet import quiet
from genaug_data.generators.pretrained.words import Words
from genaug_data.sample import Recipe, Sample


@dataclass(frozen=True)
class Order:
    """What a pipeline is to make in one call.

    Args:
        recipe: of all.
        seeds: one for each image.
        parents: of which these are variants.
        prompts: one for each image.
        negative: what no image should show.
        inputs: what else this kind of pipeline takes: tensors ``(B, ...)`` with a row for each image, and settings.
    """

    recipe: Recipe
    seeds: Sequence[int]
    parents: Sequence[Sample]
    prompts: Sequence[str]
    negative: str
    inputs: Mapping[str, Any]

    def part(self, places: Sequence[int], seeds: Sequence[int]) -> Order:
        """Return the order of some of the images, from other seeds."""

        def rows(value: Any) -> Any:
            return value[list(places)] if isinstance(value, torch.Tensor) else value

        return Order(
            self.recipe,
            seeds,
            [self.parents[place] for place in places],
            [self.prompts[place] for place in places],
            self.negative,
            {name: rows(value) for name, value in self.inputs.items()},
        )


@dataclass(frozen=True)
class Made:
    """What a pipeline made: float ``(B, 3, H, W)`` in [0, 1], and which of it the model's safety checker flagged."""

    images: torch.Tensor
    flagged: Sequence[bool]


class Loaded:
    """A pipeline on a device, with what it was told lately and the parents that it has seen.

    Args:
        pipeline: of diffusers, on the CPU; it is this object's from now on.
        model: how it is run.
        device: where.
    """

    def __init__(self, pipeline: Any, model: DiffusersModel, device: torch.device) -> None:
        self.device = device
        self.words = Words(pipeline, device, settled=model.offload)
        place(pipeline, model, device)
        self._pipeline = pipeline
        self._latents = Latents(pipeline)
        self._takes = inspect.signature(pipeline.__call__).parameters

    @property
    def multiple(self) -> int:
        """What both sides of an image must be multiples of: they are halved by autoencoder and denoiser."""
        return multiple_of(self._pipeline)

    @property
    def scheduler(self) -> str:
        """Name of the scheduler's class."""
        return type(self._pipeline.scheduler).__name__

    def __call__(self, order: Order, between_steps: Callable[[], None]) -> Made:
        """Make what is ordered; ``between_steps`` is called after each step of denoising."""

        def after_step(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            between_steps()
            return tensors

        recipe = order.recipe
        arguments = {
            **self.words(order.prompts, order.negative if recipe.guidance_scale > 1 else None),
            **order.inputs,
            "guidance_scale": recipe.guidance_scale,
            "num_inference_steps": recipe.steps,
            "generator": [torch.Generator().manual_seed(seed) for seed in order.seeds],
            "callback_on_step_end": after_step,
            "output_type": "pt",
        }
        if "image" in arguments:
            arguments["image"] = self._encoded(arguments["image"], order)
        if "strength" in arguments and hasattr(self._pipeline.scheduler, "scale_noise"):
            arguments["strength"] = _in_whole_steps(arguments["strength"], recipe.steps)
        if "condition" in arguments:
            # Without a parent to begin with, some families call what leads a ControlNet their image.
            arguments["control_image" if "control_image" in self._takes else "image"] = arguments["condition"]
        with quiet():
            found = self._pipeline(**{name: value for name, value in arguments.items() if name in self._takes})
        flagged = getattr(found, "nsfw_content_detected", None)
        return Made(found.images, [False] * len(order.seeds) if flagged is None else flagged)

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """Run with float32 weights for a while; what was worked out in a smaller type is not used then."""
        kept = self.words, self._latents
        networks = [part for part in self._pipeline.components.values() if isinstance(part, torch.nn.Module)]
        self.words = self.words.in_float32()
        self._latents = Latents(self._pipeline)
        try:
            with in_float32(networks):
                yield
        finally:
            self.words, self._latents = kept

    def _encoded(self, images: torch.Tensor, order: Order) -> torch.Tensor:
        # An inpainting pipeline blends the parent's pixels in, and needs them.
        if not self._latents.usable or "mask_image" in order.inputs:
            return images
        return self._latents(images, order.parents)


def _in_whole_steps(strength: float, steps: int) -> float:
    """Return the strength for as many whole steps as there are in it: those of flow matching take one more."""
    whole = int(steps * strength)
    # A little less than whole, so that no error of rounding adds a step; all of the steps are all of the strength.
    return strength if whole == steps else (whole - 0.01) / steps
