"""Problems from the first run to the table, for the sets on which the wrapped dataset itself is compared."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.accuracy.notes import folder_of_notes
from benchmarks.accuracy.picture import draw_gains
from benchmarks.accuracy.problem import Problem
from benchmarks.accuracy.results import difference, paired, table_rows
from benchmarks.accuracy.wrapped import WrappedArm
from benchmarks.reporting import report
from genaug_data.hardness import HardnessTable

CLASSIC, UNIFORM, TARGETED, HIGH_LOSS = "classic only", "+ uniform", "+ targeted", "+ high loss"
LESS, GATE = "+ targeted, 0.4 of the images", "+ targeted, noise gate"

CLEAN = (
    WrappedArm("real only", classic=False),
    WrappedArm(CLASSIC),
    WrappedArm("+ copies of hard examples", ratio=0.25, policy="latecomer", copies=True),
    WrappedArm(UNIFORM, ratio=0.25),
    WrappedArm(TARGETED, ratio=0.25, policy="latecomer"),
    WrappedArm(LESS, ratio=0.25, policy="latecomer", images=0.4, of=UNIFORM),
    WrappedArm(GATE, ratio=0.25, policy="latecomer", gate=True),
    WrappedArm("+ targeted, unlabelled images", ratio=0.25, policy="latecomer", unlabelled=True),
)
NOISY = (
    WrappedArm(CLASSIC),
    WrappedArm(UNIFORM, ratio=0.5),
    WrappedArm(HIGH_LOSS, ratio=0.5, policy="loss_ema"),
    WrappedArm(f"{HIGH_LOSS}, noise gate", ratio=0.5, policy="loss_ema", gate=True),
    WrappedArm(TARGETED, ratio=0.5, policy="latecomer"),
    WrappedArm(GATE, ratio=0.5, policy="latecomer", gate=True),
)
COMPARED = ((TARGETED, UNIFORM), (LESS, UNIFORM), (GATE, TARGETED))
HEADER = ("problem", "arm", "accuracy %", "minus its baseline", "images", "seconds")


def parse(about: str, name: str, shots: Sequence[int], seeds: int, arguments: list[str]) -> argparse.Namespace:
    """Return the arguments that all these comparisons take."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks accuracy {name}", description=about)
    parser.add_argument("--data", type=Path, default=None, help="folder of the images, where they are read from disk")
    parser.add_argument("--keep", type=Path, default=None, help="folder for all that is found")
    parser.add_argument("--shots", type=int, nargs="+", default=list(shots))
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--picture", type=Path, default=None, help="PNG of the gains")
    parser.add_argument("--quick", action="store_true", help="tiny: whether it runs, not what it is worth")
    parser.add_argument("--progress", action=argparse.BooleanOptionalAction, default=True)
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.seeds = 2
    return chosen


def compare(name: str, problems: Sequence[Problem], chosen: argparse.Namespace) -> None:
    """Run all problems and print the table, the pairs that matter, and what the noise policy found."""
    rows: list[tuple] = []
    figures: dict[str, float] = {}
    panels = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder_of_notes(chosen.keep, scratch, quick=chosen.quick)
        found = [(problem, problem.run_all(folder, chosen.seeds, progress=chosen.progress)) for problem in problems]
    for problem, outcomes in found:
        results = {arm: [outcome.accuracy for outcome in runs] for arm, runs in outcomes.items()}
        for arm, accuracy, gain in table_rows(results, problem.baseline):
            images, seconds = (statistics.mean(outcome[place] for outcome in outcomes[arm]) for place in (1, 2))
            rows.append((problem.name, arm, accuracy, gain, f"{images:.0f}", f"{seconds:.1f}"))
            figures[f"{problem.name}: {arm}"] = statistics.mean(results[arm])
        gains = {arm: paired(results, arm, problem.baseline) for arm in results if arm != problem.baseline}
        panels[problem.name] = (problem.baseline, gains)
        for one, other in COMPARED:
            if one in results and other in results:
                rows.append((problem.name, f"({one}) - ({other})", "", difference(results, one, other), "", ""))
                figures[f"{problem.name}: ({one}) - ({other})"] = statistics.mean(paired(results, one, other))
        judged = _judged(problem, chosen.seeds)
        if judged is not None:
            precision, recall = judged
            rows.append((problem.name, "wrong labels among suspects, and found", "", f"{precision:.2f}, {recall:.2f}"))
            figures |= {f"{problem.name}: precision": precision, f"{problem.name}: recall": recall}
    if chosen.picture is not None:
        title = f"{name}: paired gains, {chosen.seeds} seeds, and their 95 % intervals"
        draw_gains(panels, title, chosen.picture)
    report(name, figures, HEADER, [(*row, *[""] * (len(HEADER) - len(row))) for row in rows])


def _judged(problem: Problem, seeds: int) -> tuple[float, float] | None:
    """Return which share of the suspects is mislabelled, and which share of the mislabelled a suspect."""
    shares = []
    for seed in range(seeds):
        train, _, _, wrong = problem.split(seed)
        if not len(wrong):
            return None
        suspects = np.flatnonzero(problem.doubt(train, seed).suspects(HardnessTable(len(train))))
        both = len(np.intersect1d(suspects, wrong))
        shares.append((both / max(1, len(suspects)), both / len(wrong)))
    precision, recall = np.mean(shares, axis=0).tolist()
    return precision, recall
