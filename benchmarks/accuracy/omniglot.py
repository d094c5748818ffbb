"""106 characters, one drawing each: strong classic augmentation, and siblings learned from other alphabets.

The generator and the features of the gate are learned on 136 characters of other alphabets, with their rotations; the
test characters are seen by neither. Layout of the data: omniglot/{images_background_small1,images_background_small2}.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from benchmarks.accuracy.characters import Characters
from benchmarks.accuracy.few_shot import Arm, FewShot, Pool, train_arm
from benchmarks.accuracy.notes import folder_of_notes, read_notes, write_notes
from benchmarks.accuracy.picture import draw_gains
from benchmarks.accuracy.results import difference, paired, table_rows
from benchmarks.reporting import report
from genaug_data import Recipe, Request, Sample, SiblingDiffusion
from genaug_data.demo.data import find_data
from genaug_data.errors import DataError
from genaug_data.gates import FeatureNetwork, FeatureSimilarity, fit_features
from genaug_data.gates.feature_network import feature_layers
from genaug_data.seeding import derive

PLAIN = Recipe(strength=1.0, guidance_scale=1.0, steps=12)
GUIDED = Recipe(strength=1.0, guidance_scale=2.0, steps=12)
KEEP = 0.25
CANDIDATES = 60
LESS = 0.4

BASELINE, UNIFORM = "classic only", "+ siblings, gate"
TARGETED, FEWER = f"{UNIFORM}, hard parents", f"{UNIFORM}, hard parents, {LESS} of the images"
SOURCE, SOURCE_AND_SIBLINGS = "network from the source", "network from the source + siblings, gate"

ARMS = (
    Arm(BASELINE),
    Arm(UNIFORM, ratio=0.25, pool="nearest"),
    Arm(TARGETED, ratio=0.25, pool="nearest", policy="entropy"),
    Arm(SOURCE, begun=True),
    Arm(SOURCE_AND_SIBLINGS, ratio=0.25, pool="nearest", begun=True),
)
AT_ONE_SHOT = (
    Arm("real only", classic=False),
    Arm("+ copies of hard examples", ratio=0.25, pool="copies", policy="entropy"),
    Arm("+ siblings, no gate", ratio=0.25, pool="siblings"),
    Arm(FEWER, ratio=0.25, pool="fewer", policy="entropy"),
    Arm(f"{UNIFORM}, ratio 0.5", ratio=0.5, pool="nearest"),
    Arm(f"{TARGETED}, ratio 0.5", ratio=0.5, pool="nearest", policy="entropy"),
)
LEVERS = (
    Arm(BASELINE),
    Arm("+ siblings, gate by margin", ratio=0.25, pool="margin"),
    Arm("+ guided siblings, gate", ratio=0.25, pool="guided"),
)
LEVER_SEEDS = 1
COMPARED = ((TARGETED, UNIFORM), (FEWER, UNIFORM), (SOURCE_AND_SIBLINGS, SOURCE))


class Study:
    """What is learned on the source once, and the runs on the target.

    Args:
        root: folder of the two image sets.
        folder: keeps what was learned and found, for the next run.
        quick: whether everything is tiny: whether it runs, not what it is worth.
        progress: whether to show progress bars.
    """

    def __init__(self, root: Path, folder: Path, *, quick: bool, progress: bool) -> None:
        self.source = Characters(root / "images_background_small1")
        self.target = Characters(root / "images_background_small2", without=("Greek", "Latin"))
        self.candidates = 60 if quick else 106 * CANDIDATES
        self.steps = 20 if quick else 500
        self.generator = SiblingDiffusion(
            transfer_from=self.source,
            rotations=True,
            max_steps=10 if quick else 4000,
            batch_size=64,
            channels=(24, 48, 64),
            learning_rate=2e-3,
            patience=20,
            variants_at_once=128,
        )
        self.generator.fit([Sample(self.target.images[0], 0)], folder, progress=progress)
        self.features: FeatureNetwork = fit_features(
            self.source, folder, rotations=True, steps=20 if quick else 1200, progress=progress
        )
        self.folder = folder
        self.classes = 5 if quick else int(self.target.labels.max()) + 1

    def network(self, *, begun: bool, seed: int) -> nn.Module:
        """Return a classifier of the target, from nothing, or with the layers that the gate's features come from."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "network"))
            if begun:
                known = feature_layers(1)
                known.load_state_dict(self.features.weights)
                return nn.Sequential(known, nn.Linear(256, self.classes))
            layers = nn.Sequential(
                *(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
                *(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)),
                *(nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU()),
                nn.Flatten(),
            )
            head = nn.Linear(128 * 25, self.classes)
        return nn.Sequential(layers, nn.Dropout(0.3), head)

    def pools(self, task: FewShot, wanted: set[str], seed: int) -> dict[str, Pool]:
        """Return the variants by the name of their pool: as many candidates for each, of which a gate leaves some."""
        parents = [Sample(image, int(label)) for image, label in zip(task.images, task.labels, strict=True)]
        found = {"copies": Pool(task.images, torch.arange(len(parents)))}
        for recipe, gates in ((PLAIN, ("siblings", "nearest", "fewer", "margin")), (GUIDED, ("guided",))):
            if not wanted & set(gates):
                continue
            requests = [
                Request(place, number, recipe, derive(seed, "variant", place, number))
                for number in range(self.candidates // len(parents))
                for place in range(len(parents))
            ]
            mothers = [parents[request.parent] for request in requests]
            children = self.generator.generate(mothers, requests)
            judged = {"": [True] * len(children)}
            for name in sorted(wanted & set(gates)):
                score = {"siblings": "", "margin": "margin"}.get(name, "own")
                if score not in judged:
                    gate = FeatureSimilarity(
                        self.features,
                        self.generator,
                        keep=KEEP,
                        score=score,
                        recipe=recipe,
                        trials=8 * len(parents),
                    )
                    gate.prepare(parents, progress=False)
                    judged[score] = [verdict.accepted for verdict in gate.judge(mothers, children)]
                accepted = judged[score]
                made = round(LESS * len(children)) if name == "fewer" else len(children)
                kept = [place for place, good in enumerate(accepted[:made]) if good]
                found[name] = Pool(
                    torch.stack([children[place].image for place in kept]),
                    torch.tensor([requests[place].parent for place in kept]),
                )
        return found

    def run(self, arms: tuple[Arm, ...], shots: int, seeds: int, *, progress: bool) -> dict[str, list[float]]:
        """Run every arm with every seed; returns the accuracies in percent by arm, in the order of the seeds.

        Each is written down as soon as it is known, so that a run that is interrupted goes on where it was.
        """
        results: dict[str, list[float]] = {arm.name: [] for arm in arms}
        with tqdm(total=seeds * len(arms), desc=f"{shots} shot(s)", unit="run", disable=not progress) as bar:
            for seed in range(seeds):
                notes = self.folder / f"accuracy-{shots}-shots-seed-{seed}.json"
                known = read_notes(notes)
                missing = [arm for arm in arms if arm.name not in known]
                task = self.target.few_shot(shots, seed, self.classes)
                pools = self.pools(task, {arm.pool for arm in missing}, seed)
                for arm in missing:
                    known[arm.name] = train_arm(
                        arm,
                        task,
                        pools.get(arm.pool),
                        lambda begun=arm.begun, seed=seed: self.network(begun=begun, seed=seed),
                        steps=self.steps,
                        seed=seed,
                    )
                    write_notes(notes, known)
                    bar.write(f"{shots} shot(s), seed {seed}, {arm.name}: {known[arm.name]:.1f}")
                    bar.update()
                for arm in arms:
                    results[arm.name].append(known[arm.name])
        return results


def main(arguments: list[str]) -> None:
    """Run the comparison; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy omniglot", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="holds omniglot/ or omniglot_small.zip")
    parser.add_argument("--keep", type=Path, default=None, help="folder for all that is learned and found")
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 2], help="for each of --shots, in order")
    parser.add_argument("--picture", type=Path, default=None, help="PNG of the gains")
    parser.add_argument("--quick", action="store_true", help="tiny: whether it runs, not what it is worth")
    parser.add_argument("--progress", action=argparse.BooleanOptionalAction, default=True)
    chosen = parser.parse_args(arguments)
    try:
        root = find_data("omniglot", chosen.data)
    except DataError as error:
        print(f"skipped: {error}")
        return
    torch.set_num_threads(1)
    if len(chosen.seeds) != len(chosen.shots):
        parser.error(f"--seeds must hold one number for each of --shots, got {chosen.seeds} and {chosen.shots}")
    plan = [(1, 2)] if chosen.quick else list(zip(chosen.shots, chosen.seeds, strict=True))
    with tempfile.TemporaryDirectory() as scratch:
        begun = time.monotonic()
        folder = folder_of_notes(chosen.keep, scratch, quick=chosen.quick)
        study = Study(root, folder, quick=chosen.quick, progress=chosen.progress)
        print(f"learned in {time.monotonic() - begun:.0f} s: {study.generator.fingerprint}")
        rows, figures, panels = [], {}, {}
        for shots, seeds in plan:
            results = study.run(ARMS + AT_ONE_SHOT * (shots == 1), shots, seeds, progress=chosen.progress)
            for name, accuracy, gain in table_rows(results, BASELINE):
                rows.append((shots, seeds, name, accuracy, gain))
                figures[f"{shots}-shot {name}"] = statistics.mean(results[name])
            for one, other in COMPARED:
                if one in results:
                    rows.append((shots, seeds, f"({one}) - ({other})", "", difference(results, one, other)))
            if shots == 1:
                few = min(seeds, LEVER_SEEDS)
                levers = study.run(LEVERS, shots, few, progress=chosen.progress)
                rows += [(shots, few, *row) for row in table_rows(levers, BASELINE)[1:]]
            gains = {name: paired(results, name, BASELINE) for name in results if name != BASELINE}
            title = f"{shots} drawing{'s' * (shots > 1)} of each of {study.classes} characters, {seeds} seeds"
            panels[title] = (BASELINE, gains)
    if chosen.picture is not None:
        draw_gains(panels, "Omniglot: paired gains and their 95 % intervals", chosen.picture)
    report("omniglot", figures, ("shots", "seeds", "arm", "accuracy %", "minus classic only"), rows)
