"""A pipeline of diffusers that is loaded where it is used, and known by its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.pretrained.files import ModelFiles
from genaug_data.generators.pretrained.loaded import Loaded, Made, Order
from genaug_data.generators.pretrained.loading import load_part, load_pipeline, replace_scheduler
from genaug_data.generators.pretrained.model import DiffusersModel


class Pipeline:
    """A diffusers pipeline, loaded at its first use; what is pickled is the name, never the weights.

    Args:
        model: which, and how it is run.
        kind: name of the class of diffusers that loads it, "AutoPipelineForImage2Image" for example.
        controlnet: folder or id of a ControlNet that it is loaded with.
    """

    def __init__(self, model: DiffusersModel, kind: str, controlnet: str | None = None) -> None:
        self.model = model
        self.kind = kind
        self._files = ModelFiles(model.name, revision=model.revision)
        self._others = {
            part: (family, ModelFiles(name, index="config.json"))
            for part, family, name in (
                ("vae", "Autoencoder", model.autoencoder),
                ("unet", "UNet", model.unet),
                ("controlnet", "ControlNet", controlnet),
            )
            if name is not None
        }
        self._loaded: Loaded | None = None

    @property
    def identity(self) -> str:
        """What is known before anything is read."""
        return ", ".join([self.kind, *(files.model for _, files in self._others.values()), self.model.identity])

    def digest(self, device: torch.device) -> str:
        """Return what decides the images: hashes of all files and adapters, and the type of the weights.

        Raises:
            GeneratorError: there is no such model on this machine, or a part of it is only there pickled.
        """
        parts = [self._files.digest, *(files.digest for _, files in self._others.values())]
        parts += [adapter.digest for adapter in self.model.adapters]
        return f"{'-'.join(parts)} {str(self.model.dtype_on(device)).removeprefix('torch.')}"

    def digest_before(self, adapters: int) -> str:
        """Return 16 hexadecimal digits that stand for what an adapter is fitted on: the model with the ones before it.

        Raises:
            GeneratorError: as :meth:`digest`.
        """
        # A fit loads a ControlNet as well, but does not ask it.
        others = [f"{part} {files.digest}" for part, (_, files) in self._others.items() if part != "controlnet"]
        parts = [self._files.digest, *others]
        parts += [f"{adapter.identity} {adapter.digest}" for adapter in self.model.adapters[:adapters]]
        return hashlib.blake2b(" ".join(parts).encode(), digest_size=8).hexdigest()

    @cached_property
    def origin(self) -> dict[str, str]:
        """Model, revision and licence, as far as they are known.

        Raises:
            GeneratorError: there is no such model on this machine, or a part of it is only there pickled.
        """
        return self._files.origin

    def load(self, dtype: torch.dtype, adapters: int) -> Any:
        """Return a new pipeline of diffusers on the CPU, with the first adapters.

        Raises:
            GeneratorError: it cannot be loaded.
        """
        parts = {part: load_part(files, family, dtype) for part, (family, files) in self._others.items()}
        pipeline = load_pipeline(self._files, self.kind, dtype, **parts)
        for adapter in self.model.adapters[:adapters]:
            adapter.apply(pipeline)
        if self.model.scheduler is not None:
            replace_scheduler(pipeline, self.model.scheduler)
        return pipeline

    def unload(self) -> None:
        """Forget the pipeline in memory, so that the next use loads it with the adapters as they are then."""
        self._loaded = None

    def multiple(self, device: torch.device) -> int:
        """Return what both sides of an image must be multiples of: they are halved by autoencoder and denoiser."""
        return self._on(device).multiple

    def scheduler(self, device: torch.device) -> str:
        """Return the name of the scheduler's class."""
        return self._on(device).scheduler

    def cut(self, prompt: str, device: torch.device) -> int:
        """Return how many tokens of a prompt are left out, as it is longer than the text encoder takes."""
        return self._on(device).words.cut(prompt)

    def unlearned(self, prompt: str, device: torch.device) -> list[str]:
        """Return the tokens of classes in a prompt, ``<class-0>`` and the like, that the model has not learned."""
        return self._on(device).words.unlearned(prompt)

    def call(
        self,
        device: torch.device,
        order: Order,
        *,
        full_precision: bool = False,
        between_steps: Callable[[], None] = lambda: None,
    ) -> Made:
        """Make images.

        Every sample has a generator of random numbers of its own, so that an image does not depend on its batch. They
        draw on the CPU, so that a seed means the same on every device.

        Args:
            device: where it runs.
            order: what to make.
            full_precision: whether to make them with float32 weights, whatever the model's are.
            between_steps: called after each step of denoising; what it raises ends the call.

        Raises:
            GeneratorError: the model cannot be loaded, or the recipe leaves nothing to do.
        """
        strength = order.inputs.get("strength", 1.0)
        if int(order.recipe.steps * strength) < 1:
            raise GeneratorError(
                f"strength * steps must be at least 1, got {strength} * {order.recipe.steps}; raise either"
            )
        loaded = self._on(device)
        if not full_precision:
            return loaded(order, between_steps)
        with loaded.in_float32():
            return loaded(order, between_steps)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}

    def _on(self, device: torch.device) -> Loaded:
        if self._loaded is None or self._loaded.device != device:
            self._loaded = None
            pipeline = self.load(self.model.dtype_on(device), len(self.model.adapters))
            self._loaded = Loaded(pipeline, self.model, device)
        return self._loaded
