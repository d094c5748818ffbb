"""What generation costs training on the same device: steps with it and without, by default and without control.

Each run is compared with itself: it shows variants while its generation is held as well, in blocks of steps that take
turns (held, on, on, held). Two held blocks show by how much such blocks differ anyway. On a CPU the training process
computes on every core and the generator, at low priority, on half of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.reporting import report
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.generators import InDomainDiffusion
from genaug_data.recipes import RecipePolicy
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from genaug_data.workers import Budget

GOAL, EXAMPLES, SIZE = 0.10, 2048, 16
BUDGETS = {"default": Budget(), "uncontrolled": Budget(slowdown=None)}


def images(count: int) -> list[tuple[torch.Tensor, int]]:
    """Return images of noise in ten classes: speed does not depend on what they show."""
    draw = torch_generator(0)
    shape = (3, SIZE, SIZE)
    return [(torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw), number % 10) for number in range(count)]


class Run:
    """A training loop over a wrapped dataset, whose generation can be held while others take their turn."""

    def __init__(self, base: list, folder: Path, generator: InDomainDiffusion, budget: Budget) -> None:
        self._device = generator.device
        self._train = GenerativeAugmentDataset(
            base,
            cache=folder,
            generator=generator,
            gates=[],
            policy="uniform",
            recipes=RecipePolicy(steps=10),
            budget=budget,
            max_children=1000,
            refresh_every=10,
            progress=False,
        )
        self._network = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
        ).to(self._device)  # fmt: skip
        self._optimizer = torch.optim.SGD(self._network.parameters(), 0.01)
        self._train.start()
        self._worker, self._pacing = self._train._own().worker, self._train._own().loop.pacing

        self._give, self._is_held = self._worker.set_duty, False
        # The controller does not know that it is held, and learns nothing of it.
        self._worker.set_duty = lambda duty: self._give(0.0 if self._is_held else duty)

    def hold(self, held: bool = True) -> None:
        """Let generation rest, whatever the controller says, or no longer."""
        self._train.wait_until_ready()
        self._is_held = held
        self._give(0.0 if held else self._pacing.duty)

    def block(self, steps: int, *, held: bool) -> tuple[list[float], int]:
        """Train for some steps behind a few that do not count; returns the seconds of each, and the images made."""
        self.hold(held)
        seconds: list[float] = []
        batches = self._batches()
        for _ in range(5):
            self._step(next(batches))
        made = self._worker.stats().images
        last = time.perf_counter()
        for _ in range(steps):
            if held:
                self._pacing._last = None
            self._step(next(batches))
            now = time.perf_counter()
            seconds.append(now - last)
            last = now
        made = self._worker.stats().images - made
        self.hold()
        return seconds, made

    @property
    def duty(self) -> float:
        """Share of the time that the controller lets the generator be busy; that of the budget without one."""
        return self._pacing._limit if self._pacing._pace is None else self._pacing._pace.duty

    def close(self) -> None:
        """End it."""
        self._train.close()

    def _batches(self) -> Iterator:
        while True:
            yield from self._train.loader(batch_size=128)

    def _step(self, batch: tuple) -> None:
        pictures, labels, meta = batch
        logits = self._network(pictures.to(self._device).float() / 255)
        labels = labels.to(self._device)
        loss = cross_entropy(logits, labels, reduction="none")
        self._train.observe(meta, loss, logits, labels)
        self._optimizer.zero_grad()
        mean = (loss * meta.weight(self._device)).mean()
        mean.backward()
        self._optimizer.step()
        # As training loops do that log their loss; it waits for the device.
        mean.item()


def measure(run: Run, rounds: int, steps: int) -> dict[str, float]:
    """Return by how much generation slows the mean step of a run, and by how much held blocks differ anyway."""
    slowdowns, differences, rates, typical = [], [], [], []
    for _ in range(rounds):
        blocks = [run.block(steps, held=held) for held in (True, False, False, True)]
        means = [statistics.mean(seconds) for seconds, _ in blocks]
        slowdowns.append((means[1] + means[2]) / (means[0] + means[3]) - 1)
        differences.append(abs(means[3] / means[0] - 1))
        rates.append((blocks[1][1] + blocks[2][1]) / (steps * (means[1] + means[2])))
        typical.append((means[0] + means[3]) / 2)
    return {
        "slowdown": statistics.median(slowdowns),
        "slowdown_lowest": min(slowdowns),
        "slowdown_highest": max(slowdowns),
        "held_differ_by": statistics.median(differences),
        "step_ms_held": 1e3 * statistics.median(typical),
        "images_per_s": statistics.mean(rates),
        "duty": run.duty,
    }


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sharing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(os.cpu_count() or 1)
    rounds, steps, before = (3, 40, 300) if chosen.quick else (8, 100, 1200)
    base = images(EXAMPLES)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        generator = InDomainDiffusion(max_steps=2, channels=(16, 32), variants_at_once=8)
        generator.fit([Sample(*pair) for pair in base], Path(scratch) / "fit", progress=False)
        device = "CPU" if generator.device.type == "cpu" else torch.cuda.get_device_name(generator.device)
        for name, budget in BUDGETS.items():
            run = Run(base, Path(scratch) / name, generator, budget)
            # The controller has to know the trainer first.
            run.block(before, held=False)
            figures |= {f"{name}.{figure}": value for figure, value in measure(run, rounds, steps).items()}
            run.close()
    rows = [(name, f"{value:.3f}", GOAL if name == "default.slowdown" else "") for name, value in figures.items()]
    report("sharing", figures, (f"figure on {device}", "measured", "goal"), rows)
