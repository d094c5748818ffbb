"""The loop that fits an adapter: resumable to the bit, in one process or in step with others."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from genaug_data.errors import GenaugWarning, GeneratorError
from genaug_data.generators.fitting import rate_share
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.tensor_file import DamagedFile, read_tensors, write_tensors

if TYPE_CHECKING:
    from accelerate import Accelerator

_LARGEST_GRADIENT = 1.0
_MEANS = 20


def fit_weights(
    weights: Mapping[str, torch.nn.Parameter],
    loss: Callable[[int], torch.Tensor],
    plan: FitPlan,
    accelerator: Accelerator,
    checkpoint: Path,
    identity: str,
    *,
    progress: bool,
    beat: Callable[[], None],
) -> list[list[float]]:
    """Change ``weights`` until the steps of the plan are taken, and return how the loss went.

    A fit that was interrupted goes on from its checkpoint and ends, on a CPU with the same number of threads, with the
    same bits. Processes that the accelerator joins take each step together: gradients are added up, so that all have
    the same weights after it; the main one shows the progress bar and writes the checkpoint.

    Args:
        weights: by name; nothing else is changed.
        loss: of a step by its number, which alone decides what is drawn; of several processes, each has a part of it.
        plan: steps, rate and how often to write a checkpoint.
        accelerator: on the device of the weights.
        checkpoint: file of the progress, which all processes read.
        identity: of the fit; a checkpoint of another is not gone on with.
        progress: whether to show a progress bar.
        beat: called at each step.

    Returns:
        ``[step, mean loss since the one before]``, up to 20 of them.

    Raises:
        GeneratorError: the loss is no longer finite, or processes have read different checkpoints.
        SaveError: the checkpoint cannot be written.
    """
    fit = _Fit(weights, loss, plan, accelerator, checkpoint, identity)
    fit.resume()
    fit.check_together()
    fit.run(progress=progress and accelerator.is_main_process, beat=beat)
    every = max(1, -(-plan.steps // _MEANS))
    parts = [fit.losses[start : start + every] for start in range(0, plan.steps, every)]
    return [[min(number * every, plan.steps), sum(part) / len(part)] for number, part in enumerate(parts, 1)]


class _Fit:
    def __init__(
        self,
        weights: Mapping[str, torch.nn.Parameter],
        loss: Callable[[int], torch.Tensor],
        plan: FitPlan,
        accelerator: Accelerator,
        checkpoint: Path,
        identity: str,
    ) -> None:
        self._weights, self._loss, self._plan, self._accelerator = dict(weights), loss, plan, accelerator
        self._checkpoint, self._identity = checkpoint, identity
        # No decay: it would pull embeddings away from all words, and a LoRA begins at nothing anyway.
        self._optimizer = torch.optim.AdamW(self._weights.values(), plan.learning_rate, weight_decay=0.0)
        self._stepper: Any = accelerator.prepare(self._optimizer)
        self.losses: list[float] = []

    def run(self, *, progress: bool, beat: Callable[[], None]) -> None:
        steps = self._plan.steps
        with tqdm(total=steps, initial=len(self.losses), desc="fitting", unit="step", disable=not progress) as bar:
            while len(self.losses) < steps:
                self._take_step(len(self.losses))
                bar.update()
                bar.set_postfix(loss=f"{self.losses[-1]:.4f}", refresh=False)
                if len(self.losses) % self._plan.checkpoint_every == 0 and self._accelerator.is_main_process:
                    self._save()
                beat()

    def _take_step(self, step: int) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._plan.learning_rate * rate_share(step, self._plan.steps)
        loss = self._loss(step)
        found = self._summed(loss.detach()).item()
        if not math.isfinite(found):
            raise GeneratorError(
                f"the fit of an adapter diverged: the loss is {found} after {step} steps; lower learning_rate, now "
                f"{self._plan.learning_rate}, or pass mixed_precision='no'"
            )
        self._stepper.zero_grad()
        self._accelerator.backward(loss)
        self._add_up_gradients()
        self._accelerator.clip_grad_norm_(list(self._weights.values()), _LARGEST_GRADIENT)
        self._stepper.step()
        self.losses.append(found)

    def _add_up_gradients(self) -> None:
        # By ourselves: learned tokens are no part of the denoiser, the model whose gradients a wrapper would add up.
        if self._accelerator.num_processes == 1:
            return
        gradients = [value.grad for value in self._weights.values() if value.grad is not None]
        total = self._summed(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, total.split([one.numel() for one in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def _summed(self, values: torch.Tensor) -> torch.Tensor:
        return values if self._accelerator.num_processes == 1 else self._accelerator.reduce(values, reduction="sum")

    def check_together(self) -> None:
        """Refuse to go on from different checkpoints: processes that wait for each other would do so for ever."""
        taken, ranks = len(self.losses), self._accelerator.num_processes
        total = self._summed(torch.tensor([taken], device=self._accelerator.device)).item()
        if total != taken * ranks:
            raise GeneratorError(
                f"{ranks} processes of a fit have read different checkpoints from {self._checkpoint}; remove this file"
            )

    def _save(self) -> None:
        tensors: dict[str, torch.Tensor] = {f"weight.{name}": value for name, value in self._weights.items()}
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        names = list(self._weights)
        for number, moments in self._optimizer.state_dict()["state"].items():
            tensors.update({f"{kind}.{names[number]}": value for kind, value in moments.items()})
        write_tensors(self._checkpoint, tensors, {"identity": self._identity})

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one of this fit; a damaged one is said so and begun anew."""
        try:
            stored = read_tensors(self._checkpoint)
        except DamagedFile as error:
            warnings.warn(f"the checkpoint of a fit is damaged, starting anew ({error})", GenaugWarning, stacklevel=2)
            return
        if stored is None or stored[1].get("identity") != self._identity:
            return
        tensors = stored[0]
        with torch.no_grad():
            for name, value in self._weights.items():
                value.copy_(tensors[f"weight.{name}"])
        state = {
            number: {kind: tensors[f"{kind}.{name}"] for kind in ("step", "exp_avg", "exp_avg_sq")}
            for number, name in enumerate(self._weights)
        }
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.losses = tensors["losses"].tolist()
