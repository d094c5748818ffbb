"""The training loop of the diffusion models: resumable to the bit, stopped early on held-out examples."""

from __future__ import annotations

import copy
import json
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from tqdm import tqdm

from genaug_data.errors import GenaugWarning, GeneratorError
from genaug_data.generators.accelerator import own_accelerator
from genaug_data.generators.lessons import Lessons
from genaug_data.generators.network import ConditionalUNet, new_network
from genaug_data.generators.schedule import LEVELS, signal_and_noise
from genaug_data.generators.settings import FitSettings
from genaug_data.seeding import derive, torch_generator
from genaug_data.tensor_file import DamagedFile, read_tensors, write_tensors

if TYPE_CHECKING:
    from accelerate import Accelerator

_EVALUATIONS = 20
_EVALUATED = 256
_LARGEST_GRADIENT = 1.0


@dataclass
class Course:
    """How a fit went so far; JSON.

    Attributes:
        step: steps taken.
        best_step: after which the best weights were reached.
        best_loss: their loss on the held-out examples.
        losses: ``[step, loss]`` of each evaluation.
    """

    step: int = 0
    best_step: int = 0
    best_loss: float = math.inf
    losses: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class FitPlace:
    """Where a fit keeps its progress, and what it tells the outside.

    Args:
        checkpoint: file of the progress.
        checkpoint_seconds: time between two writes.
        progress: whether to show a progress bar.
        beat: called at each step.
    """

    checkpoint: Path
    checkpoint_seconds: float = 5.0
    progress: bool = True
    beat: Callable[[], None] = lambda: None


def fit_network(
    lessons: Lessons, settings: FitSettings, device: torch.device, place: FitPlace
) -> tuple[dict[str, torch.Tensor], Course]:
    """Fit a network and return the best weights, float32 on the CPU, and how it went.

    Every draw of a step is a function of ``(seed, step)``: a fit that was interrupted goes on from its checkpoint and
    ends, on a CPU with the same number of threads, with the same bits.

    Args:
        lessons: what to learn from.
        settings: with nothing left open.
        device: CPU or CUDA.
        place: of the checkpoint.

    Raises:
        GeneratorError: the loss is no longer finite.
    """
    with own_accelerator(device, settings.mixed_precision) as accelerator:
        fit = _Fit(lessons, settings, accelerator, place)
        fit.resume()
        fit.run()
    return fit.best, fit.course


class _Fit:
    def __init__(self, lessons: Lessons, settings: FitSettings, accelerator: Accelerator, place: FitPlace) -> None:
        assert settings.channels is not None
        assert settings.max_steps is not None
        assert settings.batch_size is not None
        assert settings.learning_rate is not None
        self._lessons, self._accelerator, self._place = lessons, accelerator, place
        self._setup = {"settings": json.loads(json.dumps(asdict(settings))), "size": list(lessons.size)}
        self._seed, self._patience, self._dropout = settings.seed, settings.patience, settings.condition_dropout
        self._steps, self._batch_size, self._rate = settings.max_steps, settings.batch_size, settings.learning_rate
        network = new_network(
            lessons.condition, lessons.image_channels, settings.channels, derive(settings.seed, "weights")
        ).to(accelerator.device)
        self._average: ConditionalUNet = copy.deepcopy(network).requires_grad_(False).eval()
        self._network = network
        self._optimizer = torch.optim.AdamW(network.parameters(), self._rate, fused=True)
        self._model, self._stepper = accelerator.prepare(network, self._optimizer)
        self.best: dict[str, torch.Tensor] = {}
        self.course = Course()

    def run(self) -> None:
        every = max(10, self._steps // _EVALUATIONS)
        due = time.monotonic() + self._place.checkpoint_seconds
        with tqdm(
            total=self._steps, initial=self.course.step, desc="fitting", unit="step", disable=not self._place.progress
        ) as bar:
            while self.course.step < self._steps and not self._stale():
                self._take_step(self.course.step)
                self.course.step += 1
                bar.update()
                if self.course.step % every == 0 or self.course.step == self._steps:
                    self._evaluate()
                    bar.set_postfix(loss=f"{self.course.losses[-1][1]:.4f}", best=f"{self.course.best_loss:.4f}")
                if time.monotonic() >= due:
                    due = self._save()
                self._place.beat()

    def _stale(self) -> bool:
        since_best = [step for step, _ in self.course.losses if step > self.course.best_step]
        return len(since_best) >= self._patience

    def _take_step(self, step: int) -> None:
        draw = torch_generator(derive(self._seed, "step", step))
        clean, condition = self._lessons.draw(self._batch_size, draw, self._accelerator.device)
        dropped = torch.rand(len(clean), generator=draw) < self._dropout
        condition = self._lessons.condition.drop(condition, dropped.to(clean.device))
        levels = torch.randint(1, LEVELS + 1, (len(clean),), generator=draw).to(clean.device)
        noise = torch.randn(clean.shape, generator=draw).to(clean.device)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * rate_share(step, self._steps)
        loss = _velocity_loss(self._model, clean, noise, levels, condition)
        self._stepper.zero_grad()
        self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self._network.parameters(), _LARGEST_GRADIENT)
        self._stepper.step()
        self._follow(min(0.995, (1 + step) / (10 + step)))

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        for kept, current in zip(self._average.parameters(), self._network.parameters(), strict=True):
            kept.lerp_(current, 1 - decay)

    def _evaluate(self) -> None:
        loss = self._held_out_loss()
        if not math.isfinite(loss):
            raise GeneratorError(
                f"the fit diverged: the loss is {loss} after {self.course.step} steps; lower learning_rate, now "
                f"{self._rate}, or pass mixed_precision='no'"
            )
        self.course.losses.append([self.course.step, loss])
        if loss < self.course.best_loss:
            self.course.best_loss, self.course.best_step = loss, self.course.step
            self.best = {name: value.to("cpu", copy=True) for name, value in self._average.state_dict().items()}

    @torch.no_grad()
    def _held_out_loss(self) -> float:
        """Return the loss of the averaged weights, always with the same noise at the same levels."""
        count, total = min(self._lessons.held_out, _EVALUATED), 0.0
        levels = torch.linspace(1, LEVELS, count + 2).round().long()[1:-1]
        draw = torch_generator(derive(self._seed, "held-out"))
        levels = levels[torch.randperm(len(levels), generator=draw)]
        for start in range(0, count, self._batch_size):
            stop = min(start + self._batch_size, count)
            clean, condition = self._lessons.examine(start, stop, self._accelerator.device)
            noise = torch.randn(clean.shape, generator=draw).to(clean.device)
            part = levels[start:stop].to(clean.device)
            total += len(clean) * _velocity_loss(self._average, clean, noise, part, condition).item()
            self._place.beat()
        return total / count

    def _save(self) -> float:
        """Write a checkpoint and return when the next one is due: later, the longer this one took."""
        begun = time.monotonic()
        tensors = {f"network.{name}": value for name, value in self._network.state_dict().items()}
        tensors.update({f"average.{name}": value for name, value in self._average.state_dict().items()})
        tensors.update({f"best.{name}": value for name, value in self.best.items()})
        for number, moments in self._optimizer.state_dict()["state"].items():
            tensors.update({f"optimizer.{number}.{name}": value for name, value in moments.items()})
        write_tensors(self._place.checkpoint, tensors, {**self._setup, "course": vars(self.course)})
        ended = time.monotonic()
        return ended + self._place.checkpoint_seconds * (1 + 4 * (ended - begun))

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one; a damaged one is said so and begun anew."""
        try:
            stored = read_tensors(self._place.checkpoint)
        except DamagedFile as error:
            warnings.warn(f"the checkpoint of a fit is damaged, starting anew ({error})", GenaugWarning, stacklevel=2)
            return
        if stored is None or {**stored[1], "course": None} != {**self._setup, "course": None}:
            return
        tensors, description = stored
        self._network.load_state_dict(_below("network.", tensors))
        self._average.load_state_dict(_below("average.", tensors))
        self.best = _below("best.", tensors)
        self._restore_optimizer(_below("optimizer.", tensors))
        self.course = Course(**description["course"])

    def _restore_optimizer(self, moments: dict[str, torch.Tensor]) -> None:
        state: dict[int, dict[str, Any]] = {}
        parameters = list(self._network.parameters())
        for name, value in moments.items():
            number, kind = name.split(".")
            if kind != "step":
                # In the parameter's own memory format: the fused optimiser walks through both as they lie.
                value = torch.empty_like(parameters[int(number)]).copy_(value).detach()
            state.setdefault(int(number), {})[kind] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})


def rate_share(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step: a warm-up, then a cosine down to nothing.

    Example:
        >>> [round(rate_share(step, 1000), 2) for step in (0, 99, 500, 999)]
        [0.01, 0.98, 0.5, 0.0]
    """
    warm_up = min(100, steps // 10 + 1)
    return min(1.0, (step + 1) / warm_up) * (1 + math.cos(math.pi * step / steps)) / 2


def _velocity_loss(
    network: Callable[..., torch.Tensor],
    clean: torch.Tensor,
    noise: torch.Tensor,
    levels: torch.Tensor,
    condition: torch.Tensor,
) -> torch.Tensor:
    signal, share = signal_and_noise(levels)
    velocity = network(signal * clean + share * noise, levels, condition)
    return functional.mse_loss(velocity.float(), signal * noise - share * clean)


def _below(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
