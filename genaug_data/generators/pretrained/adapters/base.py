"""The contract of what is added to a pretrained model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from genaug_data.generators.pretrained.prompts.base import PromptPolicy
    from genaug_data.sample import Sample


class Adapter(Protocol):
    """Changes a loaded pipeline: a few weights more, learned on the training set or read from a file."""

    @property
    def identity(self) -> str:
        """Name and settings, known before anything is read or learned."""
        ...

    @property
    def digest(self) -> str:
        """Hash of its weights; part of every variant's key.

        Raises:
            GeneratorError: they are not there, or not fitted yet.
        """
        ...

    def fit(
        self,
        load: Callable[[], Any],
        samples: Sequence[Sample],
        prompts: PromptPolicy,
        folder: Path,
        device: torch.device,
        *,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        """Learn from the training set, or find what was learned before; one that is read from a file does nothing.

        Args:
            load: returns a pipeline of diffusers in float32 with the adapters before this one, for the fit alone.
            samples: the training set.
            prompts: what the model will be told of them.
            folder: belongs to the model with the adapters before this one, for which its name stands; the result is
                kept there and reused on the next run.
            device: where to fit.
            progress: whether to show a progress bar.
            beat: called at least once a step, so that a watchdog knows that the fit lives.
        """
        ...

    def apply(self, pipeline: Any) -> None:
        """Add the weights to a loaded pipeline.

        Raises:
            GeneratorError: they do not fit to it.
        """
        ...
