"""A problem, its arms, and the runs of all of them with one seed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import nn
from torch.utils.data import Dataset
from tqdm import tqdm

from benchmarks.accuracy.doubt import Labelled, cross_fitted_doubt
from benchmarks.accuracy.notes import read_notes, write_notes
from benchmarks.accuracy.wrapped import Outcome, WrappedArm, train_wrapped
from genaug_data import InDomainDiffusion
from genaug_data.tasks import SampleView, detect_task

BATCH = 64


class Split(NamedTuple):
    """What one seed trains and tests on.

    Args:
        train: labelled images.
        test: others of the same classes.
        unlabelled: further ones, whose labels nobody looks at.
        wrong: indices of the training images whose label is wrong, sorted.
    """

    train: Labelled
    test: Dataset
    unlabelled: Dataset
    wrong: np.ndarray


@dataclass(frozen=True, slots=True)
class Problem:
    """A set of few images, and the ways to train on it that are compared.

    Args:
        name: as the table calls it.
        file: beginning of the name of its notes.
        split: what a seed trains and tests on.
        arms: that are compared; an arm's ``of`` comes before it.
        baseline: name of the arm that the others are compared with.
        network: a new one, as a function of the seed.
        steps: of the optimiser, about; whole epochs are trained.
        fit_steps: of the generator, at most.
        device: where it is trained.
    """

    name: str
    file: str
    split: Callable[[int], Split]
    arms: Sequence[WrappedArm]
    baseline: str
    network: Callable[[int], nn.Module]
    steps: int
    fit_steps: int
    device: str = "cpu"

    def run(self, seed: int, known: dict[str, Outcome]) -> Iterator[tuple[str, Outcome]]:
        """Train the arms that are not known yet with one seed, add each outcome to ``known`` and yield it."""
        train, test, unlabelled, _ = self.split(seed)
        missing = [arm for arm in self.arms if arm.name not in known]
        doubt = self.doubt(train, seed) if any(arm.gate for arm in missing) else None
        epochs = round(self.steps / -(-len(train) // BATCH))
        generators: dict[bool, InDomainDiffusion] = {}
        with tempfile.TemporaryDirectory() as scratch:
            for place, arm in enumerate(missing):
                if arm.unlabelled not in generators:
                    more = unlabelled if arm.unlabelled else None
                    generators[arm.unlabelled] = generator = InDomainDiffusion(
                        max_steps=self.fit_steps, unlabelled=more
                    )
                    generator.to(self.device)
                    view = SampleView(train, detect_task(train[0]))
                    generator.fit(view, Path(scratch) / f"generator-{arm.unlabelled}", progress=False)
                known[arm.name] = train_wrapped(
                    arm,
                    train,
                    test,
                    generators[arm.unlabelled],
                    Path(scratch) / f"cache-{place}",
                    network=self.network,
                    seed=seed,
                    epochs=epochs,
                    noise=doubt if arm.gate else None,
                    images=None if arm.images is None else round(arm.images * known[arm.of].images),
                    device=self.device,
                )
                yield arm.name, known[arm.name]

    def doubt(self, train: Labelled, seed: int):
        """Return a noise policy for a training set that is not told how many labels are wrong."""
        return cross_fitted_doubt(train, self.network, seed, device=self.device)

    def run_all(self, folder: Path, seeds: int, *, progress: bool) -> dict[str, list[Outcome]]:
        """Return the outcomes by arm; each is written down as soon as it is known, so that a cut-off run goes on."""
        found: dict[str, list[Outcome]] = {arm.name: [] for arm in self.arms}
        with tqdm(total=seeds * len(self.arms), desc=self.name, unit="run", disable=not progress) as bar:
            for seed in range(seeds):
                notes = folder / f"{self.file}-seed-{seed}.json"
                known = {name: Outcome(*values) for name, values in read_notes(notes).items()}
                bar.update(sum(arm.name in known for arm in self.arms))
                if len(known) < len(self.arms):
                    for name, outcome in self.run(seed, known):
                        write_notes(notes, known)
                        bar.write(f"{self.name}, seed {seed}, {name}: {outcome.accuracy:.1f}, {outcome.images} images")
                        bar.update()
                for arm in self.arms:
                    found[arm.name].append(known[arm.name])
        return found
