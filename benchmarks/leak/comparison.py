"""CIFAR-10's test images planted as altered copies among its training images; figures, a table and ROC curves."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.leak.alterations import ALTERATIONS, enlarged, pasted
from benchmarks.quality.picture import Panel, draw_curves
from benchmarks.reporting import report
from benchmarks.selection.trials import read_pixels
from genaug_data.audit import FolderImages, audit
from genaug_data.copies import CopyDetector
from genaug_data.demo.data import find_data
from genaug_data.gates import Leak
from genaug_data.report.pairs import draw_pairs
from genaug_data.sample import Sample

NEGATIVES, PLANTS, BATCH, CALLS = 10_000, 1000, 64, 200
FALSE_REJECTS = 1e-3
GOALS = {name: 0.9 if name in ("crop70", "rotate10", "part") else 0.99 for name in (*ALTERATIONS, "part")}
CURVE = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
RESULTS = Path("benchmarks/results")
DUPLICATES = Path(__file__).with_name("natural_duplicates.txt")

Distances = dict[str, np.ndarray]
"""Of N images to their nearest protected image, by measure; and ``guard``, the least in units of the thresholds."""


def samples_of(images: Sequence[np.ndarray]) -> list[Sample]:
    """Return images ``(H, W, 3)`` as samples."""
    return [Sample(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))), 0) for image in images]


def distances_of(detector: CopyDetector, samples: Sequence[Sample]) -> Distances:
    """Return how near each image comes, by measure and by the guard."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("whole", "registered", "part", "guard")}
    for start in range(0, len(samples), BATCH):
        part = detector.distances([sample.image for sample in samples[start : start + BATCH]])
        for name, (distances, _) in part.items():
            found[name].append(distances)
        found["guard"].append(np.array([match.distance / match.threshold for match in detector.matches(part)]))
    return {name: np.concatenate(each) for name, each in found.items()}


def detected(plants: np.ndarray, negatives: np.ndarray, false_rejects: float) -> float:
    """Return the share of plants that are nearer than all but that share of the negatives.

    Example:
        >>> detected(np.array([0.1, 0.3]), np.array([0.2, 0.4, 0.6, 0.8]), 0.25)
        0.5
    """
    allowed = int(false_rejects * len(negatives) + 1e-9)
    limit = np.sort(negatives)[allowed]
    return float((plants < limit).mean())


def natural_duplicates(names: Sequence[str]) -> np.ndarray:
    """Return for each training image whether it is listed as showing the photograph of a test image."""
    lines = DUPLICATES.read_text().splitlines()
    listed = {line.split()[0] for line in lines if line and not line.startswith("#")}
    return np.array([name in listed for name in names])


def milliseconds(call: Callable[[], object], calls: int) -> float:
    """Return the median time of a call."""
    call()
    seconds = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return 1e3 * statistics.median(seconds)


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks leak", description=__doc__)
    parser.add_argument("--data", help="folder of the image sets; GENAUG_DATA otherwise")
    parser.add_argument("--quick", action="store_true", help="a tenth of the images: within a minute")
    parser.add_argument("--pictures", type=Path, default=RESULTS, help="folder for the pictures")
    chosen = parser.parse_args(arguments)
    share = 10 if chosen.quick else 1
    torch.set_num_threads(2)
    folder = find_data("cifar10", chosen.data)
    files = {part: sorted((folder / part).glob("*/*.jpg")) for part in ("train", "test")}
    # The same that natural_duplicates.txt was judged for.
    drawn = np.random.default_rng(0).permutation(len(files["train"]))[: NEGATIVES // share]
    train_files = [files["train"][row] for row in drawn]
    test = read_pixels(files["test"][::share])
    train = read_pixels(train_files)
    are_duplicates = natural_duplicates([f"{file.parent.name}/{file.name}" for file in train_files])

    protected, real = samples_of(test), samples_of(train)
    started = time.perf_counter()
    gate = Leak([protected])
    gate.prepare(real, progress=False)
    prepare_s = time.perf_counter() - started
    detector = gate.detector
    guard_ms = milliseconds(lambda: gate.judge(real[:BATCH], real[:BATCH]), CALLS)

    random = np.random.default_rng(1)
    planted = random.permutation(len(test))[: PLANTS // share]
    negatives = distances_of(detector, real)
    plants = {
        name: distances_of(detector, samples_of([alter(test[row], random) for row in planted]))
        for name, alter in ALTERATIONS.items()
    }
    # Parts lie in images twice as large; so the training images of that run are, too.
    large = samples_of([enlarged(image) for image in train])
    in_large = CopyDetector([protected], progress=False)
    in_large.calibrate(large, progress=False)
    large_negatives = distances_of(in_large, large)
    backgrounds = random.permutation(len(train))[: len(planted)]
    parts = [pasted(test[row], train[other], random) for row, other in zip(planted, backgrounds, strict=True)]
    plants["part"] = distances_of(in_large, samples_of(parts))

    rows, figures, panels = [], {}, []
    for name, found in plants.items():
        all_negatives = large_negatives if name == "part" else negatives
        clean = {measure: each[~are_duplicates] for measure, each in all_negatives.items()}
        at_goal = detected(found["guard"], clean["guard"], FALSE_REJECTS)
        raw = detected(found["guard"], all_negatives["guard"], FALSE_REJECTS)
        by_itself = float((found["guard"] <= 1).mean())
        figures |= {f"detection.{name}": at_goal, f"with_duplicates.{name}": raw, f"own_threshold.{name}": by_itself}
        rows.append([name, *(f"{value:.3f}" for value in (at_goal, raw, by_itself)), f">= {GOALS[name]}"])
        # Of images that are not larger than protected ones, no part is compared.
        measures = [each for each in clean if each != "part" or name == "part"]
        curves = {each: [[detected(found[each], clean[each], rate) for rate in CURVE]] for each in measures}
        panels.append(Panel(name, "share of false rejects", CURVE, curves))
    for name, all_negatives in (("false_rejects", negatives), ("false_rejects_large", large_negatives)):
        rejected = all_negatives["guard"] <= 1
        figures[name] = float(rejected[~are_duplicates].mean())
        figures[f"{name}_with_duplicates"] = float(rejected.mean())
        rows.append([name, f"{figures[name]:.5f}", f"{rejected.mean():.5f}", "", "<= 0.001"])

    started = time.perf_counter()
    audited = audit(real, [FolderImages(folder / "test")], progress=False) if not chosen.quick else None
    audit_s = time.perf_counter() - started
    figures |= {"guard_ms": guard_ms, "prepare_s": prepare_s} | ({} if audited is None else {"audit_s": audit_s})
    rows += [["guard_ms", f"{guard_ms:.1f}", "", "", "<= 20"], ["prepare_s", f"{prepare_s:.1f}", "", "", ""]]
    if audited is not None:
        rows.append(["audit_s", f"{audit_s:.1f}", "", "", "<= 60"])
    draw_curves([panels[:5], panels[5:]], "Altered copies found, by false rejects", chosen.pictures / "leak.png", 1.0)
    order = np.argsort(np.where(are_duplicates, np.inf, negatives["guard"]))[:40]
    matches = detector.nearest([real[row].image for row in order])
    draw_pairs(
        [
            (real[row], protected[match.item], f"{match.measure} {match.distance:.3f}")
            for row, match in zip(order, matches, strict=True)
        ],
        chosen.pictures / "leak_negatives.png",
        sides=("training images that came nearest and are not listed as duplicates", "test images"),
    )
    header = ("alteration", "found at 0.1 %", "with duplicates", "own threshold", "goal")
    report("leak", figures, header, rows)
