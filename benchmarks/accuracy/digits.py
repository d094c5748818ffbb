"""Few digits, with right labels and with wrong ones: does targeting help, and does a gate against wrong labels?

8x8 digits of scikit-learn. Of each seed's split, 297 images are left without labels for the arm that uses such, the
others that are not trained on are the test. The generator is fitted on each training split alone. Names that begin with
a plus are of classic augmentation and variants together.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch.utils.data import Subset

from benchmarks.accuracy.comparison import CLASSIC, CLEAN, HIGH_LOSS, NOISY, compare, parse
from benchmarks.accuracy.doubt import mislabel
from benchmarks.accuracy.problem import Problem, Split
from genaug_data.demo.digits import load_digits_split
from genaug_data.demo.training import small_network
from genaug_data.seeding import derive, permutation

UNLABELLED = 297
NOISE = 0.4


def split(shots: int, noise: float, seed: int) -> Split:
    """Return ``shots`` labelled digits a class, a share of them mislabelled, the test, and those without labels."""
    train, others = load_digits_split(shots, derive(seed, "accuracy"))
    order = permutation(derive(seed, "unlabelled"), len(others))
    unlabelled, test = (Subset(others, places.tolist()) for places in np.split(order, [UNLABELLED]))
    return Split(train, test, unlabelled, mislabel(train, noise, seed))


def main(arguments: list[str]) -> None:
    """Run the comparison; see ``--help``."""
    chosen = parse(str(__doc__), "digits", (10, 25, 100), 10, arguments)
    torch.set_num_threads(1)
    steps, fit_steps = (12, 10) if chosen.quick else (250, 300)

    def problem(shots: int, noise: float) -> Problem:
        name = f"{shots} a class" + (f", {noise:.0%} of the labels wrong" if noise else "")
        arms, baseline = (NOISY, HIGH_LOSS) if noise else (CLEAN, CLASSIC)
        file = f"digits-{shots}-noise-{noise}"
        return Problem(name, file, partial(split, shots, noise), arms, baseline, small_network, steps, fit_steps)

    shots = [10] if chosen.quick else chosen.shots
    compare("digits", [*(problem(count, 0.0) for count in shots), problem(max(shots), NOISE)], chosen)
