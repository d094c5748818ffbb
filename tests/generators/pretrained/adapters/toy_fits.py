"""Fits of three numbers: what the processes of a fit do, without a model to load."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from genaug_data.errors import GenaugWarning
from genaug_data.generators.pretrained.adapters.fit_job import rows_of
from genaug_data.generators.pretrained.adapters.fitting import fit_weights
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.seeding import derive, torch_generator

BATCH = 5


@dataclass(frozen=True)
class ToyFit:
    """Learns the mean of random numbers, and leaves the id of each process in its folder.

    Args:
        folder: of the ids and of the checkpoint.
        steps: of the fit.
        pause: seconds that each step takes at least.
        error: that the second process raises in its seventh step, two after a checkpoint.
    """

    folder: Path
    steps: int = 12
    pause: float = 0.0
    error: Exception | None = None

    @property
    def checkpoint(self) -> Path:
        return self.folder / "progress.safetensors"

    def process_ids(self) -> list[int]:
        """Of the processes that have begun, in order."""
        return [int(file.read_text()) for file in sorted(self.folder.glob("*.pid")) if file.read_text()]

    def __call__(self, accelerator: Accelerator, beat: Callable[[], None]) -> dict[str, Any]:
        (self.folder / f"{accelerator.process_index}.pid").write_text(str(os.getpid()))
        warnings.warn("a toy", GenaugWarning, stacklevel=1)
        weight, taken = torch.nn.Parameter(torch.zeros(3)), []
        rows = rows_of(BATCH, accelerator.process_index, accelerator.num_processes)

        def loss(step: int) -> torch.Tensor:
            taken.append(step)
            time.sleep(self.pause)
            if self.error is not None and step == 6 and accelerator.process_index == 1:
                raise self.error
            goals = torch.randn(BATCH, 3, generator=torch_generator(derive(0, step)))[rows]
            return (weight - goals).square().sum() / (3 * BATCH)

        plan = FitPlan(self.steps, 0.1, checkpoint_every=4)
        losses = fit_weights(
            {"mean": weight}, loss, plan, accelerator, self.checkpoint, "toy", progress=False, beat=beat
        )
        told = {name for name in os.environ if name.endswith(("RANK", "WORLD_SIZE", "MASTER_PORT"))}
        return {"mean": weight.detach(), "losses": losses, "steps": taken, "told": told, "rows": rows}
