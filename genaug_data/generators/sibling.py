"""Variants that are siblings of their parent: other examples of whatever class the parent shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.base import BaseGenerator, ParentBatch
from genaug_data.generators.condition import IGNORED_BY_DEFAULT, kind_of
from genaug_data.generators.denoising import ddim, guided, levels_of, noised
from genaug_data.generators.examples import Examples, labelled_samples, read_examples
from genaug_data.generators.fitted import FitRecord
from genaug_data.generators.learned import LearnedNetwork
from genaug_data.generators.lessons import Lessons
from genaug_data.generators.pairs import PairLessons
from genaug_data.generators.settings import FitSettings
from genaug_data.sample import Request, Sample
from genaug_data.tasks import dataset_probe

if TYPE_CHECKING:
    from typing_extensions import Self


class SiblingDiffusion(BaseGenerator):
    """A small diffusion model whose condition is the parent image itself, fitted on pairs that share a label.

    It learns what varies within a class, not the classes: it makes variants of a class with a single example, and of
    classes that it has never seen, if it is fitted on another labelled set of the domain (DAGAN's idea,
    arXiv:1711.04340, with a diffusion model). A recipe's strength 1 starts from pure noise; below, from the noised
    parent, so that variants stay nearer to it. Guidance (arXiv:2207.12598) is on the parent: above 1, variants stress
    what is particular to it, and vary less. ``recipes=RecipePolicy(strength=(1, 1), guidance_scale=1, steps=12)`` is
    what suits it; :class:`~genaug_data.gates.FeatureSimilarity` keeps the good ones. The network is a U-Net with
    v-prediction (arXiv:2202.00512), sampled with DDIM (arXiv:2010.02502). Classification only.

    Args:
        transfer_from: another labelled dataset of the same domain, image size and channels: map-style, items are
            (image, class id) or dicts as of ``task="classification"``, or Samples. The fit then needs nothing of the
            training set, and one fit serves every training set.
        rotations: whether each class also serves turned by 90, 180 and 270 degrees, as three further classes; for sets
            where a turned example is one of another class, such as characters.
        bend: amount of the random affine map that both images of a pair get in the fit, 0 for none.
        max_steps: optimiser steps of the fit, at most; None chooses by the size of the images and the kind of device,
            as for the next three.
        batch_size: pairs per step of the fit.
        channels: of each level of the network, multiples of 8; each level halves the image.
        learning_rate: at its peak.
        condition_dropout: share of examples learned without their parent, which is what makes guidance possible.
        patience: evaluations (20 in a fit) without improvement on held-out pairs after which the fit ends.
        seed: of the fit.
        mixed_precision: of the fit; ``"auto"`` is bf16 on a GPU that has it, otherwise ``"no"``.
        checkpoint_seconds: time between two checkpoints of the fit, from which an interrupted one goes on.
        variants_at_once: images in a forward pass when generating.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: a setting that cannot work.
        DataError: ``transfer_from`` is empty, not map-style, or its items are not labelled images.

    Example:
        >>> import tempfile
        >>> from genaug_data.sample import Recipe
        >>> known = [Sample(torch.full((1, 8, 8), 20 * i, dtype=torch.uint8), i // 3) for i in range(12)]
        >>> new = Sample(torch.full((1, 8, 8), 99, dtype=torch.uint8), 77)
        >>> generator = SiblingDiffusion(transfer_from=known, max_steps=2, batch_size=4, channels=(8,), device="cpu")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     generator.fit([new], Path(folder), progress=False)
        >>> [variant] = generator.generate([new], [Request(0, 0, Recipe(strength=1.0, steps=4), seed=1)])
        >>> variant.image.shape, variant.image.dtype, variant.target
        (torch.Size([1, 8, 8]), torch.uint8, 77)
    """

    def __init__(
        self,
        *,
        transfer_from: Any = None,
        rotations: bool = False,
        bend: float = 0.6,
        max_steps: int | None = None,
        batch_size: int | None = None,
        channels: Sequence[int] | None = None,
        learning_rate: float | None = None,
        condition_dropout: float = 0.1,
        patience: int = 5,
        seed: int = 0,
        mixed_precision: Literal["auto", "no", "bf16"] = "auto",
        checkpoint_seconds: float = 5.0,
        variants_at_once: int = 64,
        device: str | torch.device = "auto",
    ) -> None:
        super().__init__(batch_size=variants_at_once, device=device)
        if not 0 <= bend <= 2:
            raise ConfigError(f"bend must lie in [0, 2], got {bend}; 0.6 is mild, 0 is none")
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
        self._source = None if transfer_from is None else labelled_samples(transfer_from)
        self._rotations, self._bend = rotations, bend
        self._learned = LearnedNetwork("SiblingDiffusion", settings, checkpoint_seconds=checkpoint_seconds)

    @property
    def identity(self) -> str:
        """Name and settings, and a probe of what is transferred from: known before any fit."""
        source = None if self._source is None else dataset_probe(self._source)
        return (
            f"SiblingDiffusion({self._learned.settings}, rotations={self._rotations}, bend={self._bend}, "
            f"transfer_from={source})"
        )

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
        """Learn from pairs, go on with an interrupted fit, or take over a finished one, also its own.

        Args:
            samples: the training set; learned from unless there is a set to transfer from.
            folder: where fits are kept; each combination of settings and learned set has a sub-folder of its own.
            progress: whether to show progress bars.
            beat: called at least once per image read and per step.

        Raises:
            GeneratorError: no class has two examples, annotations are no class ids, images to be rotated are not
                square, the training set has other channels than what was learned, or a loss is not finite.
        """
        heard = beat or (lambda: None)
        learned = samples if self._source is None else self._source

        def read() -> Examples:
            return read_examples(learned, ignore_index=IGNORED_BY_DEFAULT, progress=progress, beat=heard)

        def pairs(examples: Examples, size: tuple[int, int]) -> Lessons:
            new = self._source is not None
            return PairLessons(examples, size, rotations=self._rotations, bend=self._bend, new_classes=new)

        self._learned.learn(
            Path(folder),
            self.identity,
            dataset_probe(learned),
            read,
            pairs,
            device=self.device,
            progress=progress,
            beat=heard,
        )
        self._learned.check_channels(samples[0].image.shape[0])
        self.multiple = self._learned.multiple

    def make(self, batch: ParentBatch) -> torch.Tensor:
        """Denoise pure noise, or the noised parents, beside the parents.

        Raises:
            GeneratorError: no fit yet, images of other channels, annotations that are no class ids, or a recipe that
                leaves nothing to do.
        """
        condition, network = self.record.condition, self._learned.on(self.device)
        self._learned.check_channels(batch.images.shape[1])
        for target in batch.targets:
            if kind_of(target) != "class":
                raise GeneratorError(
                    "a sibling of an image does not fit its mask: pass parents with class ids, or InDomainDiffusion"
                )
        levels = levels_of(batch.recipe)
        parents = batch.images.contiguous(memory_format=torch.channels_last)
        predict = guided(network, parents, condition.drop(parents), batch.recipe.guidance_scale)
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
