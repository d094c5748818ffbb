"""One training with wrong labels, as a user's would be, and the judge of what was hard about the right ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.selection.network import predict, train_network
from genaug_data.errors import DataError
from genaug_data.hardness import POLICIES, HardnessTable, resolve_policy, row_statistics
from genaug_data.seeding import derive, numpy_generator

LABELS = {9: "aggre_label", 17: "random_label1", 40: "worse_label"}
"""Columns of CIFAR-10N (arXiv:2110.12088), by the percentage of labels that are wrong."""
TOP = 0.1
_FOLDS = 2


@dataclass(frozen=True, slots=True)
class Images:
    """CIFAR-10 with true and human labels.

    Args:
        pixels: uint8 ``(N, 32, 32, 3)``.
        labels: the columns of :data:`LABELS` and ``clean_label``, each ``(N,)``.
    """

    pixels: np.ndarray
    labels: dict[str, np.ndarray]

    def subset(self, count: int, seed: int) -> Images:
        """Return ``count`` of the images, drawn by ``seed``."""
        chosen = np.sort(numpy_generator(derive(seed, "images")).permutation(len(self.pixels))[:count])
        return Images(self.pixels[chosen], {name: column[chosen] for name, column in self.labels.items()})


def read_images(folder: Path, labels: Path) -> Images:
    """Read all training images, class by class, and their labels.

    Args:
        folder: of CIFAR-10, as an ImageFolder with ``train``.
        labels: the file ``cifar10n_labels.npz``.

    Raises:
        DataError: the labels are not there, or are not those of these images.
    """
    if not labels.is_file():
        raise DataError(f"the human labels are not in {labels}; put cifar10n_labels.npz beside the images")
    with np.load(labels) as columns:
        found = {name: columns[name] for name in ("clean_label", *LABELS.values())}
    classes = sorted(path for path in (folder / "train").iterdir() if path.is_dir())
    files = [(file, label) for label, place in enumerate(classes) for file in sorted(place.iterdir())]
    if [label for _, label in files] != found["clean_label"].tolist():
        raise DataError(f"the labels in {labels} are of other images than those in {folder}; take both as published")
    return Images(read_pixels([file for file, _ in files]), found)


def read_pixels(files: Sequence[Path]) -> np.ndarray:
    """Return images of one size, uint8 ``(N, H, W, 3)``."""
    return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])


def find_labels(place: str | Path | None = None) -> Path:
    """Return where the human labels should be: in ``place``, or in the folder that GENAUG_DATA names."""
    return Path(place or os.environ.get("GENAUG_DATA", "data")) / "cifar10n_labels.npz"


def lifts(priorities: np.ndarray, wrong: np.ndarray, hard: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the share among the top tenth over the share among all: of wrong labels, and of hard right ones.

    Args:
        priorities: of the examples, ``(N,)``; ties are broken at random.
        wrong: whether the label is, bool ``(N,)``.
        hard: whether the judge is wrong about the image, bool ``(N,)``.
        seed: of the ties.

    Example:
        >>> wrong, hard = np.arange(20) < 5, np.arange(20) % 2 == 0
        >>> lifts(np.arange(20), wrong, hard, seed=0)
        (0.0, 1.4285714285714286)
    """
    ties = numpy_generator(derive(seed, "ties")).permutation(len(priorities))
    top = np.lexsort((ties, -priorities))[: int(TOP * len(priorities))]
    hard = hard & ~wrong
    return float(wrong[top].mean() / wrong.mean()), float(hard[top].mean() / hard.mean())


def judged_hard(images: Images, epochs: int, seed: int) -> np.ndarray:
    """Return which images a network gets wrong that was trained on the true labels of the others, bool ``(N,)``.

    It is cross-fitted, and no policy ever sees it.
    """
    truth = images.labels["clean_label"]
    fold = numpy_generator(derive(seed, "folds")).permutation(len(truth)) % _FOLDS
    hard = np.zeros(len(truth), dtype=bool)
    with _one_thread():
        for held_out in range(_FOLDS):
            out, others = fold == held_out, fold != held_out
            network = train_network(images.pixels[others], truth[others], epochs, derive(seed, "fold", held_out))
            hard[out] = predict(network, images.pixels[out]) != truth[out]
    return hard


def priorities_after_training(images: Images, rate: int, epochs: int, seed: int) -> dict[str, np.ndarray]:
    """Train on human labels, the table fed as a user's training feeds it; return every policy's priorities."""
    table, labels = HardnessTable(len(images.pixels)), images.labels[LABELS[rate]]
    step = 0

    def observe(index: np.ndarray, loss: torch.Tensor, logits: torch.Tensor, target: torch.Tensor) -> None:
        nonlocal step
        table.update(index, row_statistics(loss, logits, target), step)
        step += 1

    with _one_thread():
        train_network(images.pixels, labels, epochs, seed, observe)
    return {name: resolve_policy(name).priorities(table) for name in POLICIES}


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
