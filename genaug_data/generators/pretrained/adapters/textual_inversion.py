"""New words for a pretrained model: one token a class, learned on the training set, or one read from a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained.adapters.from_file import FileAdapter
from genaug_data.generators.pretrained.adapters.learned import LearnedAdapter, freeze
from genaug_data.generators.pretrained.adapters.lessons import NoiseLessons, check_family
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.generators.pretrained.adapters.safetensors_file import read_weights
from genaug_data.generators.pretrained.adapters.tokens import ENCODERS, add_tokens, encoders_of, learn_tokens
from genaug_data.generators.pretrained.words import embedded
from genaug_data.sample import Sample, class_id

if TYPE_CHECKING:
    from genaug_data.generators.pretrained.prompts.base import PromptPolicy

_FILE = "learned_embeds.safetensors"
_OF_XL = {"text_encoder": "clip_l", "text_encoder_2": "clip_g"}


class TextualInversion(LearnedAdapter):
    """Learns a token for each class, ``<class-0>`` and on, while the model itself stays as it is (arXiv:2208.01618).

    So a model makes images of classes that it has no word for, from a few examples (DA-Fusion, arXiv:2302.07944). The
    prompts must hold the tokens: ``ClassPrompt.anonymous(classes)`` does. Each class is drawn equally often. For Stable
    Diffusion 1.x, 2.x and XL.

    Args:
        classes: of the training set; annotations are ids below it, or soft labels of as many.
        vectors: of each token, each of which takes a place of the prompt.
        initial: words that the vectors begin as, token by token.
        steps: optimiser steps, for all classes together.
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
        >>> TextualInversion(3, vectors=2).tokens
        ['<class-0>', '<class-1>', '<class-2>']
    """

    file: ClassVar[str] = _FILE

    def __init__(
        self,
        classes: int,
        *,
        vectors: int = 4,
        initial: str = "the",
        steps: int = 2000,
        learning_rate: float = 5e-4,
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
        for name, value in (("classes", classes), ("vectors", vectors)):
            if value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}; pass how many there are")
        if not initial.strip():
            raise ConfigError(f'initial must hold a word, got "{initial}"; "the" is the default')
        self.classes = classes
        self.vectors = vectors
        self.initial = initial

    @property
    def tokens(self) -> list[str]:
        """The token of each class, as prompts name it."""
        return [f"<class-{number}>" for number in range(self.classes)]

    @property
    def identity(self) -> str:
        """Name and settings, known before anything is learned."""
        return self.learned_as

    @property
    def learned_as(self) -> str:
        """Name and the settings that decide what is learned: all of them."""
        return f"TextualInversion({self.classes}, vectors={self.vectors}, initial={self.initial!r}, {self.plan})"

    def begin(
        self,
        pipeline: Any,
        samples: Sequence[Sample],
        prompts: PromptPolicy,
        device: torch.device,
        beat: Callable[[], None],
    ) -> tuple[dict[str, torch.nn.Parameter], NoiseLessons]:
        """Add the tokens to a pipeline, move it to the device, and return their vectors."""
        check_family(pipeline)
        groups = self._groups(samples, prompts, beat)
        encoders = encoders_of(pipeline)
        for encoder in encoders:
            first = _vectors_of(pipeline, encoder, self.initial, self.vectors)
            add_tokens(pipeline, encoder, dict.fromkeys(self.tokens, first))
        freeze(pipeline)
        pipeline.to(device)
        weights = {}
        for encoder in encoders:
            first = _vectors_of(pipeline, encoder, self.initial, self.vectors)
            learned = {token: torch.nn.Parameter(first.clone()) for token in self.tokens}
            learn_tokens(pipeline, encoder, learned)
            weights.update({f"{encoder}.{token}": value for token, value in learned.items()})

        def tell(told: list[str]) -> dict[str, torch.Tensor]:
            return embedded(pipeline, told, device)

        return weights, NoiseLessons(pipeline, samples, groups, prompts, tell, self.plan, device)

    def add(self, pipeline: Any, weights: dict[str, torch.Tensor]) -> None:
        """Add learned tokens to a loaded pipeline.

        Raises:
            GeneratorError: it has text encoders of another width, or knows the tokens already.
        """
        for encoder in encoders_of(pipeline):
            add_tokens(pipeline, encoder, {token: weights[f"{encoder}.{token}"] for token in self.tokens})

    def _groups(self, samples: Sequence[Sample], prompts: PromptPolicy, beat: Callable[[], None]) -> list[list[int]]:
        """Return the indices of each class that occurs."""
        found: dict[int, list[int]] = {}
        for index in range(len(samples)):
            sample = samples[index]
            label = class_id(sample.target)
            if label is None or not 0 <= label < self.classes:
                target = sample.target if label is None else label
                shown = target if isinstance(target, int | str) else type(target).__name__
                raise GeneratorError(
                    f"the annotation {shown!r} of example {index} is no id of {self.classes} classes; pass "
                    "TextualInversion(classes) with the number of the training set's"
                )
            if label not in found and self.tokens[label] not in prompts.prompt(sample, self.plan.seed):
                raise GeneratorError(
                    f"the prompt {prompts.prompt(sample, self.plan.seed)!r} does not hold the token "
                    f"{self.tokens[label]}, which so is not learned; pass prompts=ClassPrompt.anonymous({self.classes})"
                )
            found.setdefault(label, []).append(index)
            beat()
        return [found[label] for label in sorted(found)]


class TextualInversionFile(FileAdapter):
    """A token that was learned before: a file in the format of diffusers or of automatic1111, or of a fit of ours.

    Args:
        path: safetensors file, or a folder with ``learned_embeds.safetensors`` or a single other one.
        token: that prompts name it by; in a file with several tokens, the one to take.

    Example:
        >>> TextualInversionFile("learned/lesion.safetensors", "<lesion>").identity
        "TextualInversionFile('learned/lesion.safetensors', '<lesion>')"
    """

    usual_name: ClassVar[str] = _FILE

    def __init__(self, path: str | Path, token: str) -> None:
        super().__init__(path)
        self.token = token

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"TextualInversionFile({str(self.path)!r}, {self.token!r})"

    def apply(self, pipeline: Any) -> None:
        """Add the token to a loaded pipeline.

        Raises:
            GeneratorError: there is no such file, it is pickled, or does not fit to the pipeline.
        """
        file = self.file
        tensors, encoders = read_weights(file), encoders_of(pipeline)
        for encoder in encoders:
            names = (f"{encoder}.{self.token}", _OF_XL[encoder])
            # One encoder, one token: then it does not matter what it was called.
            names += (self.token, *(tensors if len(tensors) == 1 else ())) if len(encoders) == 1 else ()
            vectors = next((tensors[name] for name in names if name in tensors), None)
            if vectors is None:
                raise GeneratorError(
                    f"{file} holds {sorted(tensors)[:3]} and no vectors of {self.token!r} for the {encoder} of the "
                    "model; pass the token's name in the file, or another file"
                )
            add_tokens(pipeline, encoder, {self.token: vectors.reshape(-1, vectors.shape[-1])})


def _vectors_of(pipeline: Any, encoder: str, words: str, count: int) -> torch.Tensor:
    """Return ``(count, width)``: the vectors of the words' tokens in turn, as often as needed."""
    ids = getattr(pipeline, ENCODERS[encoder])(words, add_special_tokens=False)["input_ids"]
    rows = [ids[number % len(ids)] for number in range(count)]
    return getattr(pipeline, encoder).get_input_embeddings().weight.detach()[rows].float()
