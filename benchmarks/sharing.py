"""What generation costs training on the same device: steps without it, with the default budget, and without control.

The three runs take turns in one process, in blocks of steps, each in another order; a slowdown compares blocks of the
same round. On a CPU the training process computes on every core and the generator, at low priority, on half of them.
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
BUDGETS = {"off": Budget(images=0), "default": Budget(), "uncontrolled": Budget(slowdown=None)}


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
        self.is_on = budget.images != 0
        self._network = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
        ).to(self._device)  # fmt: skip
        self._optimizer = torch.optim.SGD(self._network.parameters(), 0.01)
        self._train.start()
        self._worker, self._pacing = self._train._own().worker, self._train._own().loop.pacing

    def hold(self) -> None:
        """Let generation pause until the next block; at first, once it is ready."""
        self._train.wait_until_ready()
        # Without that, a standstill of training would end the pause.
        self._pacing.warm_up()
        self._worker.set_duty(0.0)

    def block(self, steps: int) -> tuple[list[float], float]:
        """Train for some steps, a few of which only bring generation back; returns the seconds of each, and images."""
        self._worker.set_duty(self._pacing.duty)
        seconds: list[float] = []
        batches = self._batches()
        for _ in range(5):
            self._step(next(batches))
        made = self._worker.stats().images
        last = time.perf_counter()
        for _ in range(steps):
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


def measure(runs: dict[str, Run], rounds: int, steps: int) -> dict[str, float]:
    """Return slowdowns, images a second and step times of the runs, taken in turns."""
    slowdowns: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    rates: dict[str, list[float]] = {name: [] for name in runs}
    typical: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        order = list(runs) if number % 2 == 0 else list(runs)[::-1]
        blocks = {name: runs[name].block(steps) for name in order}
        quiet = blocks["off"][0]
        for name, (seconds, made) in blocks.items():
            by_median = statistics.median(seconds) / statistics.median(quiet) - 1
            slowdowns[name].append((by_median, sum(seconds) / sum(quiet) - 1))
            rates[name].append(made / sum(seconds))
            typical[name].append(statistics.median(seconds))
    figures = {}
    for name, run in runs.items():
        figures[f"step_ms_{name}"] = 1e3 * statistics.median(typical[name])
        if run.is_on:
            figures[f"slowdown_{name}"] = statistics.median(median for median, _ in slowdowns[name])
            figures[f"mean_slowdown_{name}"] = statistics.median(mean for _, mean in slowdowns[name])
            figures[f"images_per_s_{name}"] = statistics.mean(rates[name])
    return figures


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sharing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(os.cpu_count() or 1)
    rounds, steps, before = (3, 60, 300) if chosen.quick else (16, 150, 1200)
    base = images(EXAMPLES)
    with tempfile.TemporaryDirectory() as scratch:
        generator = InDomainDiffusion(max_steps=2, channels=(16, 32), variants_at_once=8)
        generator.fit([Sample(*pair) for pair in base], Path(scratch) / "fit", progress=False)
        device = "CPU" if generator.device.type == "cpu" else torch.cuda.get_device_name(generator.device)
        runs = {name: Run(base, Path(scratch) / name, generator, budget) for name, budget in BUDGETS.items()}
        for run in runs.values():
            run.hold()
        # The controller has to know the trainer first.
        runs["default"].block(before)
        figures = measure(runs, rounds, steps) | {"duty_default": runs["default"].duty}
        for run in runs.values():
            run.close()
    print(f"device: {device}")
    rows = [(name, f"{value:.3f}", GOAL if name == "slowdown_default" else "") for name, value in figures.items()]
    report("sharing", figures, ("figure", "measured", "goal"), rows)
