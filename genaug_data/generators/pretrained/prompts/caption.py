"""A prompt that says what the parent shows."""

from __future__ import annotations

from collections.abc import Callable

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained.prompts.base import drawn
from genaug_data.generators.pretrained.prompts.memory import Memory
from genaug_data.sample import Sample, content_hash


class CaptionPrompt:
    """The caption of the parent: its annotation, or what a captioner says of the image.

    A partial caption keeps to what comes before a word drawn at random, so that the model is free in the rest.

    Args:
        caption: returns the caption of a parent, always the same for the same one; None takes the annotation.
        name: of the captioner: part of every variant's key, so that another one makes new variants.
        partial: whether to keep only the beginning of the caption, half of its words at least.
        negative: what the image should not show.

    Raises:
        ConfigError: a captioner without a name.

    Example:
        >>> import torch
        >>> beach = Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), "two dogs on a beach")
        >>> CaptionPrompt().prompt(beach, seed=0)
        'two dogs on a beach'
    """

    def __init__(
        self,
        caption: Callable[[Sample], str] | None = None,
        *,
        name: str = "",
        partial: bool = False,
        negative: str = "",
    ) -> None:
        if caption is not None and not name:
            raise ConfigError("a captioner needs a name, got none; pass name='blip-base' or the like")
        self._caption = caption
        self._name = name
        self._partial = partial
        self._memory: Memory[bytes, str] = Memory()
        self.negative = negative

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"CaptionPrompt({self._name!r}, partial={self._partial}, negative={self.negative!r})"

    def prompt(self, parent: Sample, seed: int) -> str:
        """Return the caption.

        Raises:
            GeneratorError: there is none, or the captioner returned something else.
        """
        caption = self._memory.recall(content_hash(parent), lambda: self._caption_of(parent))
        words = caption.split()
        if not self._partial or len(words) < 2:
            return caption
        return " ".join(words[: drawn(range(-(-len(words) // 2), len(words)), seed, "words")])

    def _caption_of(self, parent: Sample) -> str:
        if self._caption is not None:
            said = self._caption(parent)
            if isinstance(said, str):
                return said
            raise GeneratorError(
                f"the captioner {self._name!r} returned a {type(said).__name__}: return the caption as one text"
            )
        target = parent.target
        if isinstance(target, str):
            return target
        raise GeneratorError(
            f"the annotation is a {type(target).__name__} and no caption; pass CaptionPrompt(caption=..., name=...) "
            "with a function that returns one, or ClassPrompt"
        )
