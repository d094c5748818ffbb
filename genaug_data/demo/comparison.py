"""Four ways to train on the same few images, compared on the same seeds, steps and order, at the last epoch."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.demo.digits import Digits
from genaug_data.demo.training import accuracy, train_network
from genaug_data.generators import SampleGenerator
from genaug_data.recipes import RecipePolicy


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train.

    Args:
        name: as the table calls it.
        classic: whether Kornia augments every batch.
        ratio: share of synthetic slots.
        policy: who becomes a parent.
    """

    name: str
    classic: bool
    ratio: float
    policy: str = "uniform"


ARMS = (
    Arm("real only", classic=False, ratio=0.0),
    Arm("classic only", classic=True, ratio=0.0),
    Arm("classic + generative, random parents", classic=True, ratio=0.25, policy="uniform"),
    Arm("classic + generative, hard parents", classic=True, ratio=0.25, policy="ambiguity"),
)

RECIPES = RecipePolicy(steps=10)
"""Half the usual steps are enough for 8x8 images."""


def run_arm(
    arm: Arm, train: Digits, test: Digits, generator: SampleGenerator, folder: Path, *, seed: int, epochs: int
) -> float:
    """Train once and return the accuracy in percent.

    Args:
        arm: how to train.
        train: the few real images.
        test: the others; protected, so that nothing like them can train.
        generator: fitted on ``train`` alone.
        folder: empty, for this run's cache.
        seed: of the network, the order and every draw.
        epochs: passes over ``train``.
    """
    wrapped = GenerativeAugmentDataset(
        train,
        cache=folder,
        ratio=arm.ratio,
        protected=[test],
        generator=generator,
        policy=arm.policy,
        recipes=RECIPES,
        mode="sync",
        worker="inline",
        max_children=3,
        refresh_every=8,
        seed=seed,
        progress=False,
    )
    return accuracy(train_network(wrapped, epochs=epochs, seed=seed, classic=arm.classic), test)


def compare(
    train: Digits, test: Digits, generator: SampleGenerator, folder: Path, *, seeds: int, epochs: int, progress: bool
) -> dict[str, list[float]]:
    """Run every arm with every seed; returns the accuracies in percent by arm, in the order of the seeds."""
    results: dict[str, list[float]] = {arm.name: [] for arm in ARMS}
    with tqdm(total=seeds * len(ARMS), desc="comparison", unit="run", disable=not progress) as bar:
        for seed in range(seeds):
            for place, arm in enumerate(ARMS):
                cache = folder / f"seed{seed}-arm{place}"
                results[arm.name].append(run_arm(arm, train, test, generator, cache, seed=seed, epochs=epochs))
                bar.update()
    return results


def table(results: Mapping[str, Sequence[float]]) -> str:
    """Return the results as text: mean and standard deviation over the seeds, and the paired gain over classic only.

    Example:
        >>> print(table({"classic only": [90.0, 92.0], "other": [91.0, 94.0]}))
        arm                                     accuracy %      minus classic only
        classic only                           91.0 +- 1.4         +0.0 +- 0.0
        other                                  92.5 +- 2.1         +1.5 +- 0.7
    """
    rows = [f"{'arm':38}{'accuracy %':>12}{'minus classic only':>24}"]
    for name, values in results.items():
        gains = [value - classic for value, classic in zip(values, results["classic only"], strict=True)]
        rows.append(f"{name:36}{_spread(values):>14}{_spread(gains, sign='+'):>20}")
    return "\n".join(rows)


def _spread(values: Sequence[float], sign: str = "") -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{statistics.mean(values):{sign}.1f} +- {deviation:.1f}"
