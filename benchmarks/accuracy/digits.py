"""Few digits, with right labels and with wrong ones: does targeting help, and does a gate against wrong labels?

8x8 digits of scikit-learn. Of each seed's split, 297 images are left without labels for the arm that uses such, the
others that are not trained on are the test. The generator is fitted on each training split alone. Names that begin with
a plus are of classic augmentation and variants together.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Subset
from tqdm import tqdm

from benchmarks.accuracy.doubt import cross_fitted_doubt, mislabel
from benchmarks.accuracy.picture import draw_gains
from benchmarks.accuracy.results import difference, paired, table_rows
from benchmarks.accuracy.wrapped import Outcome, WrappedArm, train_wrapped
from benchmarks.reporting import report
from genaug_data import InDomainDiffusion
from genaug_data.demo.digits import load_digits_split
from genaug_data.seeding import derive, permutation
from genaug_data.tasks import SampleView, detect_task

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
    WrappedArm("+ high loss, noise gate", ratio=0.5, policy="loss_ema", gate=True),
    WrappedArm(TARGETED, ratio=0.5, policy="latecomer"),
    WrappedArm(GATE, ratio=0.5, policy="latecomer", gate=True),
)
BATCH = 64
UNLABELLED = 297
NOISE = 0.4


class Problem:
    """One number of images a class, with or without wrong labels.

    Args:
        shots: labelled images of each digit.
        noise: share of wrong labels among them.
        arms: that are compared.
        baseline: the arm that the others are compared with.
    """

    def __init__(self, shots: int, noise: float, arms: Sequence[WrappedArm], baseline: str) -> None:
        self.shots = shots
        self.noise = noise
        self.arms = arms
        self.baseline = baseline
        self.name = f"{shots} a class" + (f", {noise:.0%} of the labels wrong" if noise else "")

    def run(self, seed: int, steps: int, fit_steps: int, known: dict[str, Outcome]) -> Iterator[tuple[str, Outcome]]:
        """Train the arms that are not known yet with one seed, and yield each outcome."""
        train, others = load_digits_split(self.shots, derive(seed, "accuracy"))
        order = permutation(derive(seed, "unlabelled"), len(others))
        unlabelled, test = (Subset(others, places.tolist()) for places in np.split(order, [UNLABELLED]))
        mislabel(train, self.noise, seed)
        missing = [arm for arm in self.arms if arm.name not in known]
        doubt = cross_fitted_doubt(train, seed) if any(arm.gate for arm in missing) else None
        epochs = round(steps / -(-len(train) // BATCH))
        generators: dict[bool, InDomainDiffusion] = {}
        with tempfile.TemporaryDirectory() as scratch:
            for place, arm in enumerate(missing):
                if arm.unlabelled not in generators:
                    generator = InDomainDiffusion(
                        max_steps=fit_steps, unlabelled=unlabelled if arm.unlabelled else None
                    )
                    view = SampleView(train, detect_task(train[0]))
                    generator.fit(view, Path(scratch) / f"generator-{arm.unlabelled}", progress=False)
                    generators[arm.unlabelled] = generator
                outcome = train_wrapped(
                    arm,
                    train,
                    test,
                    generators[arm.unlabelled],
                    Path(scratch) / f"cache-{place}",
                    seed=seed,
                    epochs=epochs,
                    noise=doubt if arm.gate else None,
                    images=None if arm.images is None else round(arm.images * known[arm.of].images),
                )
                known[arm.name] = outcome
                yield arm.name, outcome


def problems(shots: Sequence[int], quick: bool) -> list[Problem]:
    """Return what is compared: the clean sets, and the largest with wrong labels."""
    clean = [Problem(count, 0.0, CLEAN, CLASSIC) for count in shots]
    return [*clean, Problem(10 if quick else 100, NOISE, NOISY, HIGH_LOSS)]


def main(arguments: list[str]) -> None:
    """Run the comparison; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy digits", description=__doc__)
    parser.add_argument("--keep", type=Path, default=None, help="folder for all that is found")
    parser.add_argument("--shots", type=int, nargs="+", default=[10, 25, 100])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--picture", type=Path, default=None, help="PNG of the gains")
    parser.add_argument("--quick", action="store_true", help="tiny: whether it runs, not what it is worth")
    parser.add_argument("--progress", action=argparse.BooleanOptionalAction, default=True)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    seeds, steps, fit_steps = (2, 12, 10) if chosen.quick else (chosen.seeds, 250, 300)
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        found = [
            (problem, _run(problem, folder, seeds, steps, fit_steps, progress=chosen.progress))
            for problem in problems([10] if chosen.quick else chosen.shots, chosen.quick)
        ]
    rows, figures, panels = [], {}, {}
    for problem, outcomes in found:
        results = {name: [outcome.accuracy for outcome in runs] for name, runs in outcomes.items()}
        for name, accuracy, gain in table_rows(results, problem.baseline):
            images = statistics.mean(outcome.images for outcome in outcomes[name])
            seconds = statistics.mean(outcome.seconds for outcome in outcomes[name])
            rows.append((problem.name, name, accuracy, gain, f"{images:.0f}", f"{seconds:.1f}"))
            figures[f"{problem.name}: {name}"] = statistics.mean(results[name])
        panels[problem.name] = (
            problem.baseline,
            {name: paired(results, name, problem.baseline) for name in results if name != problem.baseline},
        )
        for one, other in ((TARGETED, UNIFORM), (LESS, UNIFORM), (GATE, TARGETED)):
            if one in results and other in results:
                rows.append((problem.name, f"({one}) - ({other})", "", difference(results, one, other), "", ""))
                figures[f"{problem.name}: ({one}) - ({other})"] = statistics.mean(paired(results, one, other))
    if chosen.picture is not None:
        draw_gains(panels, f"Digits: paired gains, {seeds} seeds, and their 95 % intervals", chosen.picture)
    header = ("problem", "arm", "accuracy %", "minus its baseline", "images", "CPU s")
    report("digits", figures, header, rows)


def _run(
    problem: Problem, folder: Path, seeds: int, steps: int, fit_steps: int, *, progress: bool
) -> Mapping[str, list[Outcome]]:
    """Return the outcomes by arm; each is written down as soon as it is known, and an interrupted run goes on."""
    found: dict[str, list[Outcome]] = {arm.name: [] for arm in problem.arms}
    with tqdm(total=seeds * len(problem.arms), desc=problem.name, unit="run", disable=not progress) as bar:
        for seed in range(seeds):
            notes = folder / f"digits-{problem.shots}-noise-{problem.noise}-seed-{seed}.json"
            known = {}
            if notes.exists():
                known = {name: Outcome(*values) for name, values in json.loads(notes.read_text()).items()}
            bar.update(len(known))
            for name, outcome in problem.run(seed, steps, fit_steps, known):
                notes.write_text(json.dumps(known, indent=1))
                bar.write(f"{problem.name}, seed {seed}, {name}: {outcome.accuracy:.1f}, {outcome.images} images")
                bar.update()
            for arm in problem.arms:
                found[arm.name].append(known[arm.name])
    return found
