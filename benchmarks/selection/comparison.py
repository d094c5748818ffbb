"""All policies, three noise rates, three seeds: figures, a table and a picture."""

from __future__ import annotations

import argparse
import inspect
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.reporting import report
from benchmarks.selection.picture import Point, draw_panels
from benchmarks.selection.trials import (
    LABELS,
    Images,
    find_labels,
    judged_hard,
    lifts,
    priorities_after_training,
    read_images,
)
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.demo.data import find_data
from genaug_data.errors import DataError
from genaug_data.hardness import POLICIES

# The default policy was chosen on the seeds 0 to 2.
SEEDS = (3, 4, 5)
EPOCHS, QUICK_IMAGES, PROCESSES = 15, 10_000, 2
NOISE_GOAL, HARD_GOALS = 0.75, {9: 2.0, 17: 1.9, 40: 1.8}


def measure(images: Images, count: int) -> dict[str, dict[int, np.ndarray]]:
    """Return noise lift and hard-clean lift of every policy at every rate, ``(seeds, 2)`` each."""
    subsets = {seed: images.subset(count, seed) for seed in SEEDS}
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        judges = {seed: pool.submit(judged_hard, subsets[seed], EPOCHS, seed) for seed in SEEDS}
        trainings = {
            (rate, seed): pool.submit(priorities_after_training, subsets[seed], rate, EPOCHS, seed)
            for rate in LABELS
            for seed in SEEDS
        }
        found: dict[str, dict[int, list]] = {name: {rate: [] for rate in LABELS} for name in POLICIES}
        for (rate, seed), training in trainings.items():
            labels = subsets[seed].labels
            wrong = labels[LABELS[rate]] != labels["clean_label"]
            for name, priorities in training.result().items():
                found[name][rate].append(lifts(priorities, wrong, judges[seed].result(), seed))
    return {name: {rate: np.array(pairs) for rate, pairs in rates.items()} for name, rates in found.items()}


def figures_of(found: dict[str, dict[int, np.ndarray]]) -> dict[str, float]:
    """Return mean and standard deviation over the seeds under their names, the default policy's first."""
    default = inspect.signature(GenerativeAugmentDataset).parameters["policy"].default
    figures = {}
    for name, rates in {"default": found[default], **found}.items():
        for place, kind in enumerate(("noise_lift", "hard_clean_lift")):
            for rate, pairs in rates.items():
                figures[f"{name}.{kind}_{rate}"] = float(pairs[:, place].mean())
                figures[f"{name}.{kind}_{rate}_spread"] = float(pairs[:, place].std(ddof=1))
    return figures


def rows_of(figures: dict[str, float]) -> list[list[str]]:
    """Return one line a policy: both lifts at the three rates, mean and spread."""
    rows = []
    for name in ("default", *POLICIES):
        row = [name]
        for rate in LABELS:
            for kind in ("noise_lift", "hard_clean_lift"):
                figure = f"{name}.{kind}_{rate}"
                row.append(f"{figures[figure]:.2f} ±{figures[figure + '_spread']:.2f}")
        rows.append(row)
    goals = ["goal", *(text for rate in LABELS for text in (f"<= {NOISE_GOAL}", f">= {HARD_GOALS[rate]}"))]
    return [*rows, goals]


def draw(figures: dict[str, float], path: Path) -> None:
    """Write the picture: a panel a rate, a point a policy."""
    default = inspect.signature(GenerativeAugmentDataset).parameters["policy"].default
    panels = {}
    for rate in LABELS:
        pairs = {name: [f"{name}.{kind}_{rate}" for kind in ("noise_lift", "hard_clean_lift")] for name in POLICIES}
        panels[f"{rate} % of the labels are wrong"] = (
            [
                Point(name, *(figures[key] for key in keys), *(figures[key + "_spread"] for key in keys))
                for name, keys in pairs.items()
            ],
            (NOISE_GOAL, HARD_GOALS[rate]),
        )
    draw_panels(panels, default, path)


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks selection", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_IMAGES:,} images instead of 50,000: 10 minutes")
    parser.add_argument("--data", help="folder with CIFAR-10 and cifar10n_labels.npz; GENAUG_DATA if not given")
    parser.add_argument("--png", type=Path, help="also draw the figures into this file")
    chosen = parser.parse_args(arguments)
    try:
        images = read_images(find_data("cifar10", chosen.data), find_labels(chosen.data))
    except DataError as error:
        parser.error(str(error))
    figures = figures_of(measure(images, QUICK_IMAGES if chosen.quick else len(images.pixels)))
    if chosen.png is not None:
        draw(figures, chosen.png)
    header = ("policy", *(f"{kind} {rate} %" for rate in LABELS for kind in ("noise", "hard clean")))
    report("selection", figures, header, rows_of(figures))
