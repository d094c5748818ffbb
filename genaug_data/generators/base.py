"""The contract of a generator, and the template that checks, pads and crops around every member."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.padding import pad_image, pad_target
from genaug_data.sample import Recipe, Request, Sample, Target

if TYPE_CHECKING:
    from typing_extensions import Self

    from genaug_data.tasks import Task


@dataclass(frozen=True, slots=True)
class Refusal(Sample):
    """Stands in the place of a variant that its own generator keeps back: the request is answered as rejected.

    Args:
        image: that of the parent, so that whoever does not look for refusals gets nothing that is broken.
        target: that of the parent.
        reason: one sentence.
        made: whether an image was made before; False where no variant of this parent can be.

    Example:
        >>> Refusal(torch.zeros(1, 8, 8, dtype=torch.uint8), 3, "the image is NaN").reason
        'the image is NaN'
    """

    reason: str
    made: bool = True


class SampleGenerator(Protocol):
    """All that a generator of your own needs: a name for what it is, and one method.

    Attributes:
        fingerprint: identity of model, weights and version; part of every variant's key, so that a changed model
            makes new variants.
    """

    @property
    def fingerprint(self) -> str:
        """Identity of model, weights and version."""
        ...

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        """Return one variant per parent: uint8, of its size and channels, annotated in the same space; or a Refusal."""
        ...


@dataclass(frozen=True, slots=True)
class ParentBatch:
    """Parents of one size that are changed by one recipe, as a member of the family gets them.

    Args:
        images: float32 ``(B, C, H, W)`` on the generator's device, values in [-1, 1], padded on the right and bottom.
        targets: annotations, ``B`` of them; masks are padded like the images and stay on the CPU.
        recipe: how to change them.
        seeds: one per sample; every random draw for a sample comes from its own seed alone.
        parents: as they were handed over: uint8, on the CPU, not padded.
    """

    images: torch.Tensor
    targets: Sequence[Target]
    recipe: Recipe
    seeds: Sequence[int]
    parents: Sequence[Sample] = ()


class BaseGenerator(ABC):
    """Template of a generator: a member implements :meth:`make`, all checking and shaping is done here.

    Args:
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Attributes:
        multiple: both sides of the images that :meth:`make` gets are multiples of this.
        between_steps: called between two steps of a diffusion; the worker sets it, to rest or to stop there.
    """

    multiple: int = 1
    between_steps: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, *, batch_size: int = 64, device: str | torch.device = "auto") -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}; leave it out for its default")
        self.batch_size = batch_size
        self._device = str(device)

    @property
    @abstractmethod
    def identity(self) -> str:
        """What this generator is before any fit: its name and settings."""

    @property
    def fingerprint(self) -> str:
        """What this generator is after the fit; the identity where nothing is fitted."""
        return self.identity

    @property
    def device(self) -> torch.device:
        """Where the model runs; ``"auto"`` is decided in the process that asks."""
        if self._device != "auto":
            return torch.device(self._device)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def to(self, device: str | torch.device) -> Self:
        """Run on ``device`` from now on; returns the generator itself."""
        self._device = str(device)
        return self

    def fit(  # noqa: B027  # not every generator learns
        self,
        samples: Sequence[Sample],
        folder: Path,
        *,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        """Learn from the training set; does nothing unless a member overrides it.

        Args:
            samples: the training set.
            folder: belongs to the generator; the result is kept there and reused on the next run.
            progress: whether to show a progress bar.
            beat: called at least once a step, so that a watchdog knows that the fit lives.
        """

    @abstractmethod
    def make(self, batch: ParentBatch) -> torch.Tensor | Sequence[torch.Tensor | str]:
        """Return the variants of a batch, float ``(B, C, H, W)`` like ``batch.images``, values about [-1, 1].

        A sequence may hold a reason, one sentence, in the place of an image that is not to be used.
        """

    def annotation(self, parent: Sample, request: Request) -> Target:
        """Return the annotation of a variant: the parent's own, unless a member changes what the image shows."""
        return parent.target

    def origin(self, parent: Sample, request: Request) -> Mapping[str, str]:
        """Return what else the provenance of a variant should hold: prompt, model, revision, licence."""
        return {}

    def refuses(self, parent: Sample) -> str | None:
        """Return why no variant of a parent can be made, in one sentence; None where one can."""
        return None

    def rehearse(self, parent: Sample, recipe: Recipe, task: Task | None) -> None:  # noqa: B027  # most need none
        """Find out whether variants can be made at all, before the first is asked for; nothing is, unless overridden.

        Args:
            parent: an example of the training set.
            recipe: like those to come.
            task: of the training set, if that is known.

        Raises:
            GeneratorError: none can be made; the sentence says why.
        """

    def unchanged(self, parent: Sample) -> torch.Tensor | None:
        """Return where the parent's pixels must stay, bool ``(H, W)``; None where everything may change."""
        return None

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to which images of ``(height, width)`` are padded: the next multiple."""
        return -(-height // self.multiple) * self.multiple, -(-width // self.multiple) * self.multiple

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        """Return one variant of each parent; the result does not depend on how requests are batched or ordered.

        Args:
            parents: images uint8 ``(C, H, W)``; sizes may differ.
            requests: one per parent, in the same order; recipes may differ.

        Returns:
            Variants: uint8, the parent's size and channels, and, unless the member changes it, the parent's annotation
            itself; a :class:`Refusal` in the place of each that is not to be used.

        Raises:
            GeneratorError: numbers of parents and requests differ, or the model returned something that is no image.
        """
        if len(parents) != len(requests):
            raise GeneratorError(
                f"generate needs one request per parent, got {len(requests)} requests for {len(parents)} parents: "
                "pass lists of equal length"
            )
        reasons = [self.refuses(parent) for parent in parents]
        groups: dict[Hashable, list[int]] = {}
        for place, (parent, request) in enumerate(zip(parents, requests, strict=True)):
            if reasons[place] is None:
                groups.setdefault(group_key(request, parent), []).append(place)
        images: dict[int, torch.Tensor | str] = {}
        for places in groups.values():
            for start in range(0, len(places), self.batch_size):
                part = places[start : start + self.batch_size]
                made = self._make_checked([parents[place] for place in part], [requests[place] for place in part])
                images.update(zip(part, made, strict=True))
        answers: list[Sample] = []
        for place, (parent, request, reason) in enumerate(zip(parents, requests, reasons, strict=True)):
            found = images.get(place)
            if found is None:
                answers.append(Refusal(parent.image, parent.target, str(reason), made=False))
            elif isinstance(found, str):
                answers.append(Refusal(parent.image, parent.target, found))
            else:
                answers.append(Sample(found, self.annotation(parent, request)))
        return answers

    def _make_checked(self, parents: list[Sample], requests: list[Request]) -> list[torch.Tensor | str]:
        stacked = torch.stack([parent.image for parent in parents])
        height, width = stacked.shape[-2:]
        size = self.padded_size(height, width)
        batch = ParentBatch(
            pad_image(stacked, size).to(self.device).float().div_(127.5).sub_(1),
            [pad_target(parent, size) for parent in parents],
            requests[0].recipe,
            [request.seed for request in requests],
            parents,
        )
        with torch.no_grad():
            made = self.make(batch)
        if len(made) != len(parents):
            name = type(self).__name__
            raise GeneratorError(
                f"{name}.make returned {len(made)} images for {len(parents)} parents: return one for each"
            )
        answers: list[torch.Tensor | str] = list(made)
        kept = [place for place, answer in enumerate(answers) if not isinstance(answer, str)]
        if not kept:
            return answers
        images = torch.stack([answer for answer in answers if not isinstance(answer, str)])
        self._check_made(images, batch)
        cropped = images[..., :height, :width].float().clamp_(-1, 1).add_(1).mul_(127.5).round_().to("cpu", torch.uint8)
        for place, image in zip(kept, cropped, strict=True):
            answers[place] = self._composite(parents[place], image)
        return answers

    def _check_made(self, made: torch.Tensor, batch: ParentBatch) -> None:
        expected, name = (len(made), *batch.images.shape[1:]), type(self).__name__
        if not made.is_floating_point():
            raise GeneratorError(f"{name}.make returned {made.dtype} values: return floats in [-1, 1]")
        if tuple(made.shape) != expected:
            raise GeneratorError(
                f"{name}.make returned images of shape {tuple(made.shape)}: return {expected}, that of batch.images"
            )
        finite = made.isfinite()
        if not finite.all():
            raise GeneratorError(
                f"{name}.make returned {int((~finite).sum())} values that are NaN or infinite: "
                "lower the guidance scale, use float32, or fit the model anew"
            )

    def _composite(self, parent: Sample, image: torch.Tensor) -> torch.Tensor:
        kept = self.unchanged(parent)
        # A copy, so that one variant does not hold the memory of its whole batch.
        return image.clone() if kept is None else torch.where(kept, parent.image, image)


def group_key(request: Request, parent: Sample) -> Hashable:
    """Return what requests must have in common to be made in one call: the recipe and the image's shape.

    Example:
        >>> parent = Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 0)
        >>> group_key(Request(0, 0, Recipe(), seed=1), parent) == group_key(Request(5, 2, Recipe(), seed=9), parent)
        True
    """
    return request.recipe, tuple(parent.image.shape)


def identity_of(generator: SampleGenerator, probe: str) -> str:
    """Return what a cache belongs to: the generator before any fit, and the training set that ``probe`` stands for.

    Args:
        generator: of this package or the user's own.
        probe: as :func:`~genaug_data.tasks.dataset_probe` returns it.
    """
    # Asked statically: a fitted fingerprint must not be touched before the fit.
    known = inspect.getattr_static(generator, "identity", None) is not None
    return f"{generator.identity if known else generator.fingerprint} on {probe}"  # type: ignore[attr-defined]
