"""Few photographs of CIFAR-10, with right labels and with those that people gave them (CIFAR-10N, 40 % wrong).

For a machine with a CUDA GPU; with --quick it runs anywhere and says nothing. 2,000 further training images are left
without labels for the arm that uses such; the test set is CIFAR-10's own. The generator is fitted on each training
split alone. Layout of the data: cifar10/{train,test}/CLASS/*.jpg, and cifar10n_labels.npz beside it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from benchmarks.accuracy.comparison import CLASSIC, CLEAN, HIGH_LOSS, NOISY, compare, parse
from benchmarks.accuracy.problem import Problem, Split
from benchmarks.selection.network import residual_network
from benchmarks.selection.trials import Images, find_labels, read_images, read_pixels
from genaug_data.demo.data import find_data
from genaug_data.errors import DataError
from genaug_data.seeding import derive, permutation

UNLABELLED = 2000
HUMAN = "worse_label"


class Photographs(Dataset):
    """Images as (uint8 tensor (3, 32, 32), class id).

    Args:
        pixels: uint8 ``(N, 32, 32, 3)``.
        labels: class ids ``(N,)``.
    """

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        self.images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        self.labels: list[int] = labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], self.labels[index]


def split(known: Images, test: Photographs, shots: int, column: str, seed: int) -> Split:
    """Return ``shots`` images of each true class, labelled by ``column``, the test, and images without labels."""
    right = known.labels["clean_label"]
    order = permutation(derive(seed, "accuracy"), len(right))
    chosen = np.concatenate([order[right[order] == label][:shots] for label in range(10)])
    others = np.setdiff1d(order, chosen)
    rest = others[permutation(derive(seed, "unlabelled"), len(others))[:UNLABELLED]]
    train = Photographs(known.pixels[chosen], known.labels[column][chosen])
    wrong = np.flatnonzero(known.labels[column][chosen] != right[chosen])
    return Split(train, test, Photographs(known.pixels[rest], right[rest]), wrong)


def main(arguments: list[str]) -> None:
    """Run the comparison; see ``--help``."""
    chosen = parse(str(__doc__), "cifar10", (10, 50, 500), 5, arguments)
    if not chosen.quick and not torch.cuda.is_available():
        print("skipped: CIFAR-10 takes hours without a CUDA GPU, and there is none; --quick tells whether it runs")
        return
    try:
        folder = find_data("cifar10", chosen.data)
        known = read_images(folder, find_labels(chosen.data))
    except DataError as error:
        print(f"skipped: {error}")
        return
    test = Photographs(*_tested(folder, 200 if chosen.quick else 10_000))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    steps, fit_steps = (20, 2) if chosen.quick else (2000, 4000)

    def problem(shots: int, column: str) -> Problem:
        clean = column == "clean_label"
        name = f"{shots} a class" + ("" if clean else ", human labels")
        arms, baseline = (CLEAN, CLASSIC) if clean else (NOISY, HIGH_LOSS)
        of_seed = partial(split, known, test, shots, column)
        file = f"cifar10-{shots}-{column}"
        return Problem(name, file, of_seed, arms, baseline, residual_network, steps, fit_steps, device)

    shots = [2] if chosen.quick else chosen.shots
    problems = [*(problem(count, "clean_label") for count in shots), problem(max(shots), HUMAN)]
    compare("cifar10", problems, chosen)


def _tested(folder: Path, most: int) -> tuple[np.ndarray, np.ndarray]:
    files = sorted((folder / "test").glob("*/*"))
    classes = sorted({file.parent.name for file in files})
    every = files[:: max(1, len(files) // most)]
    return read_pixels(every), np.array([classes.index(file.parent.name) for file in every])
