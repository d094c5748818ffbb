"""All degradations at all strengths, three seeds: figures, a table and a picture."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from benchmarks.quality.degradations import OF_IMAGES, Degradation, Labelled, of_masks
from benchmarks.quality.picture import Panel, draw_curves
from benchmarks.reporting import report
from benchmarks.selection.trials import read_pixels
from genaug_data.demo.data import find_data
from genaug_data.errors import SampleSizeWarning
from genaug_data.features import Features, Pixels
from genaug_data.gates import fit_features
from genaug_data.metrics import FID, ClassPixelDivergence, MaskFID, read_features
from genaug_data.sample import Sample
from genaug_data.seeding import derive, permutation

SEEDS = (0, 1, 2)
CLASSES, UNLABELLED, CAR = 11, 11, 8
IMAGES, FIT_STEPS = 10_000, 600
QUICK_IMAGES, QUICK_STEPS = 1000, 20
GOAL = 1.0
PICTURE = Path("benchmarks/results/quality.png")

Series = dict[str, dict[str, list[list[float]]]]
"""Name of a degradation, then of a metric, to one list a seed of the values at its strengths."""

Metrics = Mapping[str, Callable[..., float]]
"""By name, from two sets to a value."""


def mask_metrics() -> Metrics:
    """Return what compares two sets of masks."""
    options = {"ignore_index": UNLABELLED, "resamples": 0, "progress": False}
    mask_fid, class_pixels = MaskFID(CLASSES, **options), ClassPixelDivergence(CLASSES, **options)
    return {
        "mask_fid": lambda real, other: mask_fid(real, other).value,
        "class_pixels": lambda real, other: class_pixels(real, other).value,
    }


def image_metrics(features: Features) -> Metrics:
    """Return what compares two sets of labelled images: in learned features, class by class, and in their pixels."""
    fid = FID(features, resamples=0, batch_size=250, progress=False)
    by_pixels = FID(Pixels(), resamples=0, progress=False)

    def by_class(real: Labelled, other: Labelled) -> float:
        ours, theirs = (read_features(part.images, features, batch_size=250, progress=False) for part in (real, other))
        return statistics.mean(
            fid(ours[real.labels == label], theirs[other.labels == label]).value for label in real.labels.unique()
        )

    return {
        "fid": lambda real, other: fid(real.images, other.images).value,
        "fid_by_class": by_class,
        "fid_pixels": lambda real, other: by_pixels(real.images, other.images).value,
    }


def measure(
    halves: Callable, ways: Mapping[str, Degradation], metrics: Metrics, seeds: Sequence[int], what: str
) -> Series:
    """Return the values of the metrics: of one half of a set against the other one, spoiled.

    Args:
        halves: from a seed to two sets of one source.
        ways: to spoil the second.
        metrics: at least those that ``ways`` name.
        seeds: of the halves, and of every draw.
        what: the bar counts.
    """
    found: Series = {name: {} for name in ways}
    total = len(seeds) * sum(len(way.strengths) for way in ways.values())
    with tqdm(total=total, desc=what, unit="set") as bar, warnings.catch_warnings():
        # The sizes are in the table, and the same throughout.
        warnings.simplefilter("ignore", SampleSizeWarning)
        for seed in seeds:
            real, other = halves(seed)
            for name, way in ways.items():
                for place, strength in enumerate(way.strengths):
                    spoiled = way.spoil(other, strength, seed)
                    for metric in way.metrics:
                        series = found[name].setdefault(metric, [])
                        if place == 0:
                            series.append([])
                        series[-1].append(metrics[metric](real, spoiled))
                    bar.update()
    return found


def rising(runs: Sequence[Sequence[float]]) -> float:
    """Return the share of the steps from one strength to the next, over all seeds, in which the value rises."""
    return float((np.diff(np.array(runs), axis=1) > 0).mean())


def figures_of(masks: Series, images: Series) -> dict[str, float]:
    """Return the share of rising steps: of mask FID and FID at their worst, and of all metrics by degradation."""
    figures = {
        f"{family}.rising": min(rising(next(iter(metrics.values()))) for metrics in series.values())
        for family, series in (("mask_fid", masks), ("fid", images))
    }
    for family, series in (("masks", masks), ("images", images)):
        for name, metrics in series.items():
            for metric, runs in metrics.items():
                figures[f"{family}.{name}.{metric}.rising"] = rising(runs)
    return figures


def rows_of(kind: str, series: Series, ways: Mapping[str, Degradation]) -> list[list[str]]:
    """Return one line a degradation and metric: mean over the seeds at each strength, and the share of rising steps."""
    rows = []
    for name, metrics in series.items():
        strengths = " ".join(f"{strength:g}" for strength in ways[name].strengths)
        for metric, runs in metrics.items():
            means = [f"{mean:.4g}" for mean in np.array(runs).mean(0)]
            rows.append([f"{kind}: {name}", strengths, metric, *means, f"{rising(runs):.2f}"])
    return rows


def panels_of(kind: str, series: Series, ways: Mapping[str, Degradation]) -> list[Panel]:
    """Return what to draw of each degradation."""
    return [
        Panel(f"{kind}: {name.replace('_', ' ')}", ways[name].unit, ways[name].strengths, metrics)
        for name, metrics in series.items()
    ]


def read_masks(folder: Path) -> torch.Tensor:
    """Return all masks of CamVid, int64 ``(701, 180, 240)``."""
    files = [file for part in ("train", "val", "test") for file in sorted((folder / part / "masks").iterdir())]
    return torch.stack([torch.from_numpy(np.array(Image.open(file))).long() for file in files])


def read_labelled(folder: Path, count: int) -> Labelled:
    """Return ``count`` images of a split of CIFAR-10, as many of each class."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    each = count // len(classes)
    files = [file for place in classes for file in sorted(place.iterdir())[:each]]
    pixels = torch.from_numpy(read_pixels(files)).permute(0, 3, 1, 2).contiguous()
    return Labelled(pixels, torch.arange(len(classes)).repeat_interleave(each))


def halves_of(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the indices of two random halves."""
    order = torch.from_numpy(permutation(derive(seed, "halves"), count))
    return order[: count // 2], order[count // 2 :]


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks quality", description=__doc__)
    parser.add_argument("--data", help="folder of the image sets; GENAUG_DATA otherwise")
    parser.add_argument("--quick", action="store_true", help="fewer images, one seed: within two minutes")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the picture goes")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    seeds = SEEDS[:1] if chosen.quick else SEEDS
    masks = read_masks(find_data("camvid", chosen.data))
    cifar = find_data("cifar10", chosen.data)
    labelled = read_labelled(cifar / "test", QUICK_IMAGES if chosen.quick else IMAGES)
    learned = read_labelled(cifar / "train", QUICK_IMAGES if chosen.quick else IMAGES)
    if chosen.quick:
        masks = masks[:, ::3, ::3]

    def mask_halves(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        one, other = halves_of(len(masks), seed)
        return masks[one], masks[other]

    def image_halves(seed: int) -> tuple[Labelled, Labelled]:
        one, other = (
            Labelled(labelled.images[half], labelled.labels[half]) for half in halves_of(len(labelled.labels), seed)
        )
        return one, other

    mask_ways = of_masks(CLASSES, CAR)
    mask_series = measure(mask_halves, mask_ways, mask_metrics(), seeds, "masks")
    samples = [Sample(image, int(label)) for image, label in zip(*learned, strict=True)]
    with tempfile.TemporaryDirectory() as scratch:
        features = fit_features(samples, scratch, steps=QUICK_STEPS if chosen.quick else FIT_STEPS)
    image_series = measure(image_halves, OF_IMAGES, image_metrics(features), seeds, "images")
    rows = [*rows_of("masks", mask_series, mask_ways), *rows_of("images", image_series, OF_IMAGES)]
    rows.append(
        [f"sizes: {len(masks) // 2} masks, {len(labelled.labels) // 2} images", "", "goal", *[""] * 5, f"{GOAL}"]
    )
    draw_curves(
        [panels_of("masks", mask_series, mask_ways), panels_of("images", image_series, OF_IMAGES)],
        "Each metric against known degradations, as a share of its largest value; bars: deviation over seeds",
        chosen.picture,
    )
    header = ("degradation", "strengths", "metric", "none", "least", "less", "more", "most", "rising")
    report("quality", figures_of(mask_series, image_series), header, rows)
