"""What every generator with a pretrained model does alike: words, refusals, precision, provenance."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from genaug_data.errors import ConfigError, GenaugError, GenaugWarning, GeneratorError, brief
from genaug_data.generators.base import BaseGenerator, ParentBatch
from genaug_data.generators.pretrained.colours import from_colours, to_colours
from genaug_data.generators.pretrained.loaded import Order
from genaug_data.generators.pretrained.model import DiffusersModel
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.generators.pretrained.prompts import FixedPrompt, PromptPolicy
from genaug_data.generators.pretrained.protocol import warn_of_class_names
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import derive

if TYPE_CHECKING:
    from genaug_data.tasks import Task

_MOST_SHOWN = 200


class _Enough(Exception):  # nothing went wrong
    """Ends a rehearsal."""


class PretrainedGenerator(BaseGenerator):
    """Template of a generator around a pipeline of diffusers: a member says what it is given of a parent.

    Each variant has a generator of random numbers of its own, so that an image does not depend on its batch. Grey
    images are made as colour ones and averaged; a fourth channel stays the parent's. An image that the model's own
    safety checker flags is made again from another seed, and refused if that does not help. One that is NaN is made
    again with float32 weights, and refused if that does not help either.

    Args:
        model: folder or id of the model, or one with settings.
        prompts: what the model is told; None tells it nothing.
        max_attempts: how often an image is made, at most, until the safety checker lets it pass.
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: ``max_attempts`` is below 1, or ``prompts`` is a text.
    """

    kind: str
    version: ClassVar[int] = 1

    def __init__(
        self,
        model: str | DiffusersModel,
        *,
        prompts: PromptPolicy | None = None,
        max_attempts: int = 3,
        batch_size: int = 8,
        device: str | torch.device = "auto",
    ) -> None:
        super().__init__(batch_size=batch_size, device=device)
        if max_attempts < 1:
            raise ConfigError(f"max_attempts must be at least 1, got {max_attempts}; 3 is the default")
        if isinstance(prompts, str):
            raise ConfigError(f'prompts must be a policy, got the text "{prompts}"; pass FixedPrompt("{prompts}")')
        self.prompts: PromptPolicy = FixedPrompt() if prompts is None else prompts
        self._max_attempts = max_attempts
        self._model = model if isinstance(model, DiffusersModel) else DiffusersModel(str(model))
        self._pipeline = self._open()
        self._warned = False
        self._warned_of_unlearned = False
        self._warned_of_names = False

    @property
    def identity(self) -> str:
        """Name, version of the format, own settings, model and prompts."""
        name = f"{type(self).__name__}/{self.version}"
        return ", ".join([name, *self.settings(), self._pipeline.identity, self.prompts.identity])

    @property
    def fingerprint(self) -> str:
        """The identity, and a hash of the model's files and adapters.

        Raises:
            GeneratorError: the model is not on this machine, is not whole, or is pickled.
        """
        return f"{self.identity} {self._pipeline.digest(self.device)}"

    def settings(self) -> Sequence[str]:
        """Return what a member adds to the identity."""
        return ()

    def controlnet(self) -> str | None:
        """Return folder or id of the ControlNet that the model is loaded with, if any."""
        return None

    @abstractmethod
    def inputs(self, batch: ParentBatch, colours: torch.Tensor) -> Mapping[str, Any]:
        """Return what the pipeline is given of a batch, besides words, steps and seeds.

        Args:
            batch: the parents.
            colours: float ``(B, 3, H, W)`` in [0, 1]: their images as the model knows them.

        Returns:
            Tensors ``(B, ...)`` with a row for each parent, and settings.
        """

    def told(self, parent: Sample, seed: int) -> str:
        """Return the prompt of the variant of ``parent`` that is made from ``seed``."""
        return self.prompts.prompt(parent, seed)

    def fit(
        self,
        samples: Sequence[Sample],
        folder: Path,
        *,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        """Fit the model's adapters on the training set, one after the other, and load the model.

        Each fit is kept in a sub-folder of the model with the adapters before it: another model never meets it. What
        cannot work here is said now, and not once for each variant.

        Raises:
            GeneratorError: the model cannot be loaded or run as it was asked to, or the first example has no prompt.
        """
        told = [self.told(samples[0], 0)] if len(samples) > 0 else []
        for number, adapter in enumerate(self._model.adapters):
            place = Path(folder) / self._pipeline.digest_before(number)
            load = partial(self._pipeline.load, torch.float32, number)
            adapter.fit(load, samples, self.prompts, place, self.device, progress=progress, beat=beat)
        if self._model.adapters:
            self._pipeline.unload()
        self._pipeline.multiple(self.device)
        for prompt in told:
            self._warn_of_unlearned(prompt)
        if not self._warned_of_names:
            self._warned_of_names = True
            warn_of_class_names(self.prompts, len(samples))

    def rehearse(self, parent: Sample, recipe: Recipe, task: Task | None) -> None:
        """Make the first step of a variant: a scheduler may fit to neither the pipeline nor the number of steps.

        Raises:
            GeneratorError: it cannot be made.
        """

        def end() -> None:
            raise _Enough

        before = self.__dict__.get("between_steps")
        self.between_steps = end
        try:
            self.generate([parent], [Request(0, 0, recipe, seed=0)])
        except (_Enough, GenaugError, torch.OutOfMemoryError) as found:
            if not isinstance(found, _Enough):
                raise
        except Exception as error:
            raise GeneratorError(
                f"no variant can be made in {recipe.steps} steps with the {self._pipeline.scheduler(self.device)} "
                f"({brief(error)}); pass another scheduler, or steps that it takes"
            ) from error
        finally:
            if before is None:
                del self.between_steps
            else:
                self.between_steps = before

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the next size that autoencoder and denoiser can halve as often as they do."""
        self.multiple = self._pipeline.multiple(self.device)
        return super().padded_size(height, width)

    def origin(self, parent: Sample, request: Request) -> Mapping[str, str]:
        """Return the prompt, how many tokens of it were left out, model, revision and licence, as far as known."""
        told = self.told(parent, request.seed)
        cut = self._pipeline.cut(told, self.device)
        return {"prompt": told, **({"tokens_cut": str(cut)} if cut else {}), **self._pipeline.origin}

    def make(self, batch: ParentBatch) -> list[torch.Tensor | str]:
        """Make the variants of a batch.

        Raises:
            GeneratorError: the model cannot be loaded, an annotation has no prompt, images have two channels or more
                than four, or the recipe leaves nothing to do.
        """
        colours = to_colours(batch.images)
        prompts = [self.told(parent, seed) for parent, seed in zip(batch.parents, batch.seeds, strict=True)]
        self._warn_of_long(prompts)
        order = Order(
            batch.recipe, batch.seeds, batch.parents, prompts, self.prompts.negative, self.inputs(batch, colours)
        )
        answers: dict[int, torch.Tensor | str] = {}
        waiting = list(range(len(prompts)))
        for attempt in range(self._max_attempts):
            seeds = [
                batch.seeds[place] if attempt == 0 else derive(batch.seeds[place], "attempt", attempt)
                for place in waiting
            ]
            images, flagged = self._made(order.part(waiting, seeds))
            answers.update(zip(waiting, images, strict=True))
            waiting = [place for place, one in zip(waiting, flagged, strict=True) if one]
            if not waiting:
                break
        for place in waiting:
            answers[place] = f"the safety checker of the model flagged it in {self._max_attempts} attempts"
        return [
            answer if isinstance(answer, str) else from_colours(answer[None], batch.images[place][None])[0]
            for place, answer in sorted(answers.items())
        ]

    def _made(self, order: Order) -> tuple[list[torch.Tensor | str], list[bool]]:
        """Return images, or the reason for each that is NaN in float32 as well, and which of them are flagged."""
        made = self._call(order)
        flagged = list(made.flagged)
        images: list[torch.Tensor | str] = list(made.images)
        broken = [place for place, image in enumerate(made.images) if not image.isfinite().all()]
        if broken and self._model.dtype_on(self.device) != torch.float32:
            again = self._call(order.part(broken, [order.seeds[place] for place in broken]), full_precision=True)
            for place, image, one in zip(broken, again.images, again.flagged, strict=True):
                images[place], flagged[place] = image, one
            broken = [place for place, image in zip(broken, again.images, strict=True) if not image.isfinite().all()]
        for place in broken:
            images[place], flagged[place] = "the image is NaN or infinite, in float32 as well", False
        return images, flagged

    def _call(self, order: Order, *, full_precision: bool = False) -> Any:
        count = len(order.seeds)
        if self._model.compile and count < self.batch_size:
            # A batch of another size would be compiled anew.
            places = [*range(count), *[count - 1] * (self.batch_size - count)]
            order = order.part(places, [order.seeds[place] for place in places])
        made = self._pipeline.call(
            self.device, order, full_precision=full_precision, between_steps=lambda: self.between_steps()
        )
        return type(made)(made.images[:count], made.flagged[:count])

    def _open(self) -> Pipeline:
        return Pipeline(self._model, self.kind, self.controlnet())

    def _warn_of_unlearned(self, prompt: str) -> None:
        found = [] if self._warned_of_unlearned else self._pipeline.unlearned(prompt, self.device)
        if found:
            self._warned_of_unlearned = True
            warnings.warn(
                f"the model has not learned the token {found[0]} of the prompt {prompt!r}, which tells it nothing; "
                "pass DiffusersModel(..., adapters=[TextualInversion(classes)]), or prompts that name the classes",
                GenaugWarning,
                stacklevel=3,
            )

    def _warn_of_long(self, prompts: Sequence[str]) -> None:
        for prompt in prompts:
            cut = self._pipeline.cut(prompt, self.device)
            if cut and not self._warned:
                self._warned = True
                shown = prompt if len(prompt) <= _MOST_SHOWN else f"{prompt[:_MOST_SHOWN]}..."
                warnings.warn(
                    f"the text encoder does not take the last {cut} tokens of the prompt {shown!r}; shorten it, they "
                    "are left out",
                    GenaugWarning,
                    stacklevel=2,
                )
