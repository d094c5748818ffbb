"""A fit from the loaded model to the learned weights, as each of its processes goes through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from genaug_data.generators.pretrained.adapters.fitting import fit_weights
from genaug_data.sample import Sample

if TYPE_CHECKING:
    from accelerate import Accelerator

    from genaug_data.generators.pretrained.adapters.learned import LearnedAdapter
    from genaug_data.generators.pretrained.prompts.base import PromptPolicy


@dataclass(frozen=True, slots=True)
class FitJob:
    """All that a fit needs; pickled with cloudpickle where it runs in processes of its own.

    Args:
        adapter: to be fitted.
        load: returns a pipeline of diffusers in float32 with the adapters before this one.
        samples: the training set.
        prompts: what the model will be told of them.
        checkpoint: file of the progress.
        identity: of the fit.
        progress: whether to show a progress bar.
    """

    adapter: LearnedAdapter
    load: Callable[[], Any]
    samples: Sequence[Sample]
    prompts: PromptPolicy
    checkpoint: Path
    identity: str
    progress: bool

    def __call__(
        self, accelerator: Accelerator, beat: Callable[[], None]
    ) -> tuple[dict[str, torch.Tensor], list[list[float]]]:
        """Fit, and return the weights, float32 on the CPU, and how the loss went.

        Args:
            accelerator: of this process, which works on its part of each batch.
            beat: called at least once a step.
        """
        plan, pipeline = self.adapter.plan, self.load()
        weights, lessons = self.adapter.begin(pipeline, self.samples, self.prompts, accelerator.device, beat)
        # For its precision alone; gradients are added up where they are few, in the loop.
        denoiser = accelerator.prepare_model(pipeline.unet, evaluation_mode=True)
        rows = rows_of(plan.batch_size, accelerator.process_index, accelerator.num_processes)
        losses = fit_weights(
            weights,
            lambda step: lessons.loss(denoiser, step, rows),
            plan,
            accelerator,
            self.checkpoint,
            self.identity,
            progress=self.progress,
            beat=beat,
        )
        return {name: value.detach().to("cpu", torch.float32, copy=True) for name, value in weights.items()}, losses


def rows_of(batch_size: int, rank: int, ranks: int) -> slice:
    """Return the rows of a batch that one of several processes works on.

    Example:
        >>> [rows_of(5, rank, 2) for rank in range(2)]
        [slice(0, 2, None), slice(2, 5, None)]
    """
    return slice(batch_size * rank // ranks, batch_size * (rank + 1) // ranks)
