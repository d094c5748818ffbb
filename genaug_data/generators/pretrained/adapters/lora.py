"""Low-rank layers in the attention of a pretrained model, fitted on the training set or read from a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch

from genaug_data.errors import ConfigError
from genaug_data.generators.pretrained.adapters.from_file import FileAdapter
from genaug_data.generators.pretrained.adapters.learned import LearnedAdapter, freeze
from genaug_data.generators.pretrained.adapters.lessons import NoiseLessons, check_family
from genaug_data.generators.pretrained.adapters.lora_layers import attach, new_layers, parameters_of
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.generators.pretrained.words import Words
from genaug_data.sample import Sample
from genaug_data.seeding import derive, torch_generator

if TYPE_CHECKING:
    from genaug_data.generators.pretrained.prompts.base import PromptPolicy

_FILE = "pytorch_lora_weights.safetensors"


class Lora(LearnedAdapter):
    """Layers of low rank beside the attention of the UNet, fitted on the training set alone (arXiv:2106.09685).

    The model learns how images of this training set look; what it is told while it learns is what the generator's
    prompts tell it later. For Stable Diffusion 1.x, 2.x and XL.

    Args:
        rank: of each layer.
        weight: that the layers' result is multiplied by when images are made; 0 is the model without them.
        steps: optimiser steps.
        learning_rate: at its peak.
        batch_size: images per step.
        size: longer side in pixels that images are resized to; None leaves them as the generator will meet them.
        seed: of the fit.
        mixed_precision: ``"auto"`` is bf16 on a GPU that has it, otherwise ``"no"``.
        checkpoint_every: steps between two checkpoints, from which an interrupted fit goes on.
        devices: to fit on together, ``["cuda:0", "cuda:1"]`` for example, each with its part of every batch; none is
            the generator's own device. They decide no more than how sums are rounded.

    Raises:
        ConfigError: a setting that cannot work.

    Example:
        >>> from genaug_data.generators.pretrained import DiffusersModel
        >>> DiffusersModel("models/sd-1.5", adapters=[Lora(rank=4, steps=800)]).adapters[0].plan.steps
        800
    """

    file: ClassVar[str] = _FILE

    def __init__(
        self,
        rank: int = 8,
        *,
        weight: float = 1.0,
        steps: int = 1000,
        learning_rate: float = 1e-4,
        batch_size: int = 4,
        size: int | None = None,
        seed: int = 0,
        mixed_precision: Literal["auto", "no", "bf16"] = "auto",
        checkpoint_every: int = 50,
        devices: Sequence[str] = (),
    ) -> None:
        super().__init__(
            FitPlan(steps, learning_rate, batch_size, size, seed, mixed_precision, checkpoint_every, devices)
        )
        if rank < 1:
            raise ConfigError(f"rank must be at least 1, got {rank}; 8 is the default")
        self.rank = rank
        self.weight = weight

    @property
    def identity(self) -> str:
        """Name and settings, known before anything is learned."""
        return f"{self.learned_as} * {self.weight}"

    @property
    def learned_as(self) -> str:
        """Name and the settings that decide what is learned."""
        return f"Lora(rank={self.rank}, {self.plan})"

    def begin(
        self,
        pipeline: Any,
        samples: Sequence[Sample],
        prompts: PromptPolicy,
        device: torch.device,
        beat: Callable[[], None],
    ) -> tuple[dict[str, torch.nn.Parameter], NoiseLessons]:
        """Add layers that change nothing yet to a pipeline, move it to the device, and return their weights."""
        check_family(pipeline)
        draw = torch_generator(derive(self.plan.seed, "weights"))
        name = attach(pipeline, new_layers(pipeline.unet, self.rank, draw), 1.0)
        freeze(pipeline)
        words = Words(pipeline, device)
        pipeline.to(device)
        lessons = NoiseLessons(
            pipeline, samples, [range(len(samples))], prompts, lambda told: words(told, None), self.plan, device
        )
        weights = parameters_of(pipeline.unet, name)
        for weight in weights.values():
            weight.requires_grad_(True)
        return weights, lessons

    def add(self, pipeline: Any, weights: dict[str, torch.Tensor]) -> None:
        """Add fitted layers to a loaded pipeline.

        Raises:
            GeneratorError: they do not fit to it.
        """
        attach(pipeline, weights, self.weight)


class LoraFile(FileAdapter):
    """A LoRA that was fitted before, of any family that diffusers can load one for.

    Args:
        path: safetensors file, or a folder with ``pytorch_lora_weights.safetensors`` or a single other one.
        weight: that its result is multiplied by; 0 is the model without it.

    Example:
        >>> LoraFile("loras/xray.safetensors", weight=0.8).identity
        "LoraFile('loras/xray.safetensors', weight=0.8)"
    """

    usual_name: ClassVar[str] = _FILE

    def __init__(self, path: str | Path, weight: float = 1.0) -> None:
        super().__init__(path)
        self.weight = weight

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"LoraFile({str(self.path)!r}, weight={self.weight})"

    def apply(self, pipeline: Any) -> None:
        """Add the layers to a loaded pipeline.

        Raises:
            GeneratorError: there is no such file, it is pickled, or does not fit to the pipeline.
        """
        file = self.file
        attach(pipeline, file.parent, self.weight, weight_name=file.name, local_files_only=True, use_safetensors=True)
