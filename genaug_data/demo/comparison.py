"""Ways to train on the same few images, compared on the same seeds, steps and order, at the last epoch."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.demo.digits import Digits
from genaug_data.demo.training import accuracy, small_network, train_network
from genaug_data.generators import SampleGenerator
from genaug_data.recipes import RecipePolicy
from genaug_data.sample import Request, Sample


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train.

    Args:
        name: as the table calls it.
        classic: whether Kornia augments every batch.
        ratio: share of synthetic slots.
        policy: who becomes a parent.
        copies: whether a parent's variants are copies of it: a control that tells new images from more of the old ones.
    """

    name: str
    classic: bool
    ratio: float
    policy: str = "uniform"
    copies: bool = False


ARMS = (
    Arm("real only", classic=False, ratio=0.0),
    Arm("classic only", classic=True, ratio=0.0),
    Arm("classic + copies of hard parents", classic=True, ratio=0.25, policy="latecomer", copies=True),
    Arm("classic + generative, random parents", classic=True, ratio=0.25, policy="uniform"),
    Arm("classic + generative, hard parents", classic=True, ratio=0.25, policy="latecomer"),
)

RECIPES = RecipePolicy(steps=10)
"""Half the usual steps are enough for 8x8 images."""


class Copies:
    """A generator whose variants are their parents."""

    fingerprint = "copies"

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        """Return the parents."""
        return parents


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
        generator=Copies() if arm.copies else generator,
        gates=[] if arm.copies else None,
        policy=arm.policy,
        recipes=RECIPES,
        mode="sync",
        worker="inline",
        max_children=3,
        refresh_every=8,
        seed=seed,
        progress=False,
    )
    model = small_network(seed)
    train_network(wrapped, model, epochs=epochs, seed=seed, classic=arm.classic)
    return accuracy(model, test)


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

    Gains come with their 95 % interval (Student's t over the seeds).

    Example:
        >>> print(table({"classic only": [90.0, 92.0, 91.0], "other": [91.0, 94.0, 93.0]}))
        arm                                     accuracy %     minus classic only
        classic only                           91.0 +- 1.0
        other                                  92.7 +- 1.5   +1.7 (+0.2 to +3.1)
    """
    rows = [f"{'arm':38}{'accuracy %':>12}{'minus classic only':>23}"]
    for name, values in results.items():
        gains = [value - classic for value, classic in zip(values, results["classic only"], strict=True)]
        gain = "" if name == "classic only" else _interval(gains)
        spread = f" +- {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        rows.append(f"{name:36}{statistics.mean(values):>7.1f}{spread:7}{gain:>22}".rstrip())
    return "\n".join(rows)


def _interval(gains: Sequence[float]) -> str:
    from scipy.stats import t

    mean = statistics.mean(gains)
    if len(gains) < 2:
        return f"{mean:+.1f}"
    half = t.ppf(0.975, len(gains) - 1) * statistics.stdev(gains) / len(gains) ** 0.5
    return f"{mean:+.1f} ({mean - half:+.1f} to {mean + half:+.1f})"
