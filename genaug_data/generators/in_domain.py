"""The embedded default: a small diffusion model that is fitted on the wrapped training set alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from genaug_data.generators.base import BaseGenerator, ParentBatch
from genaug_data.generators.condition import IGNORED_BY_DEFAULT
from genaug_data.generators.denoising import ddim, guided, levels_of, noised
from genaug_data.generators.examples import Examples, UnlabelledImages, read_examples
from genaug_data.generators.fitted import FitRecord
from genaug_data.generators.learned import LearnedNetwork
from genaug_data.generators.lessons import AnnotatedLessons
from genaug_data.generators.settings import FitSettings
from genaug_data.sample import Request, Sample
from genaug_data.tasks import dataset_probe

if TYPE_CHECKING:
    from typing_extensions import Self


class InDomainDiffusion(BaseGenerator):
    """A small diffusion model, conditional on the class or the mask, fitted on the training set and nothing else.

    It needs no download and cannot leak what it never saw. Variants start from the noised parent (strength below 1,
    SDEdit, arXiv:2108.01073) or from pure noise (strength 1, which keeps nothing of the parent but its annotation).
    The network is a U-Net with v-prediction (arXiv:2202.00512), sampled with DDIM (arXiv:2010.02502) and
    classifier-free guidance (arXiv:2207.12598).

    Args:
        max_steps: optimiser steps of the fit, at most; None chooses by the size of the images and the kind of device,
            as for the next three.
        batch_size: examples per step of the fit.
        channels: of each level of the network, multiples of 8; each level halves the image.
        learning_rate: at its peak.
        condition_dropout: share of examples learned without their annotation.
        patience: evaluations (20 in a fit) without improvement on a held-out tenth after which the fit ends.
        seed: of the fit.
        mixed_precision: of the fit; ``"auto"`` is bf16 on a GPU that has it, otherwise ``"no"``.
        unlabelled: further images of the same domain and size without annotation: map-style, items are images (PIL,
            uint8 or float [0, 1] tensor, array), or tuples or dicts with one.
        ignore_index: of pixels of masks that belong to no class.
        max_size: refuse images with a longer side, in pixels; None takes any, ``"auto"`` 32 on a CPU and 128 on a GPU.
        checkpoint_seconds: time between two checkpoints of the fit, from which an interrupted one goes on; longer where
            writing one takes long.
        variants_at_once: images in a forward pass when generating.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: a setting that cannot work.

    Example:
        >>> import tempfile
        >>> from genaug_data.sample import Recipe
        >>> train = [Sample(torch.full((1, 8, 8), 20 * label, dtype=torch.uint8), label) for label in range(10)]
        >>> generator = InDomainDiffusion(max_steps=2, batch_size=4, channels=(8,), device="cpu")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     generator.fit(train, Path(folder), progress=False)
        >>> [variant] = generator.generate([train[3]], [Request(3, 0, Recipe(strength=0.5, steps=4), seed=1)])
        >>> variant.image.shape, variant.image.dtype, variant.target
        (torch.Size([1, 8, 8]), torch.uint8, 3)
    """

    def __init__(
        self,
        *,
        max_steps: int | None = None,
        batch_size: int | None = None,
        channels: Sequence[int] | None = None,
        learning_rate: float | None = None,
        condition_dropout: float = 0.1,
        patience: int = 5,
        seed: int = 0,
        mixed_precision: Literal["auto", "no", "bf16"] = "auto",
        unlabelled: Any = None,
        ignore_index: int = IGNORED_BY_DEFAULT,
        max_size: int | Literal["auto"] | None = None,
        checkpoint_seconds: float = 5.0,
        variants_at_once: int = 64,
        device: str | torch.device = "auto",
    ) -> None:
        super().__init__(batch_size=variants_at_once, device=device)
        settings = FitSettings(
            max_steps=max_steps,
            batch_size=batch_size,
            channels=None if channels is None else tuple(channels),
            learning_rate=learning_rate,
            condition_dropout=condition_dropout,
            patience=patience,
            seed=seed,
            mixed_precision=mixed_precision,
        )
        self._unlabelled = UnlabelledImages(() if unlabelled is None else unlabelled)
        self._ignore_index = ignore_index
        self._learned = LearnedNetwork(
            "InDomainDiffusion", settings, max_size=max_size, checkpoint_seconds=checkpoint_seconds
        )

    @property
    def identity(self) -> str:
        """Name and settings, and a probe of the unlabelled images: known before any fit."""
        other = dataset_probe(self._unlabelled) if len(self._unlabelled) else None
        return f"InDomainDiffusion({self._learned.settings}, ignore_index={self._ignore_index}, unlabelled={other})"

    @property
    def fingerprint(self) -> str:
        """Name, format version, and a hash of the fitted weights and of what else decides an image.

        Raises:
            GeneratorError: there was no fit yet.
        """
        return self.record.fingerprint

    @property
    def record(self) -> FitRecord:
        """What was fitted, on what, and how it went.

        Raises:
            GeneratorError: there was no fit yet.
        """
        return self._learned.record

    def fit(
        self,
        samples: Sequence[Sample],
        folder: Path,
        *,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        """Learn from the training set, go on with an interrupted fit, or take over a finished one, also its own.

        Each combination of settings and training set has a sub-folder of its own; none is ever deleted. Training sets
        are told apart by their length and a probe of 64 examples.

        Args:
            samples: the training set; sizes may differ, the number of channels may not.
            folder: where fits are kept.
            progress: whether to show progress bars.
            beat: called at least once per image read and per step.

        Raises:
            GeneratorError: annotations that are no classes or masks, images too large, a loss that is not finite.
        """
        heard = beat or (lambda: None)

        def read() -> Examples:
            return read_examples(
                samples, self._unlabelled, ignore_index=self._ignore_index, progress=progress, beat=heard
            )

        self._learned.learn(
            Path(folder),
            self.identity,
            dataset_probe(samples),
            read,
            AnnotatedLessons,
            device=self.device,
            progress=progress,
            beat=heard,
        )
        self.multiple = self._learned.multiple

    def make(self, batch: ParentBatch) -> torch.Tensor:
        """Denoise the noised parents, guided towards their annotation.

        Raises:
            GeneratorError: no fit yet, images of other channels, a class that was not there to learn from, or a recipe
                that leaves nothing to do.
        """
        condition, network = self.record.condition, self._learned.on(self.device)
        self._learned.check_channels(batch.images.shape[1])
        levels = levels_of(batch.recipe)
        encoded = condition.encode(batch.targets, (batch.images.shape[-2], batch.images.shape[-1])).to(self.device)
        predict = guided(network, encoded, condition.drop(encoded), batch.recipe.guidance_scale)
        start = noised(batch.images, batch.seeds, levels[0]).contiguous(memory_format=torch.channels_last)
        return ddim(predict, start, levels, self.between_steps)

    def origin(self, parent: Sample, request: Request) -> dict[str, str]:
        """Return which model, its weights, and a probe of what it was fitted on.

        Raises:
            GeneratorError: there was no fit yet.
        """
        return self.record.origin

    def to(self, device: str | torch.device) -> Self:
        """Run on ``device`` from now on; returns the generator itself."""
        self._learned.leave_device()
        return super().to(device)

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that the model was fitted on, or the next multiple if the image is larger."""
        largest = self.record.size
        return super().padded_size(max(height, largest[0]), max(width, largest[1]))
