"""The digits of scikit-learn as a few-shot problem: real images, no download."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from genaug_data.errors import ConfigError
from genaug_data.seeding import derive, permutation


class Digits(Dataset):
    """Handwritten digits, 8x8, as (uint8 tensor (1, 8, 8), class id).

    Args:
        images: float ``(N, 8, 8)``, values 0..16 as scikit-learn has them.
        labels: class ids ``(N,)``.
    """

    classes = tuple("0123456789")

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images = torch.from_numpy(np.rint(images * (255 / 16)).astype(np.uint8)).unsqueeze(1)
        self.labels = labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], self.labels[index]


def load_digits_split(shots: int, seed: int = 0) -> tuple[Digits, Digits]:
    """Return (training set with ``shots`` images a class, test set with all others).

    Raises:
        ConfigError: scikit-learn, which ships the images, is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ConfigError(
            "the demo's digits come with scikit-learn, which is missing; pip install scikit-learn"
        ) from error
    digits = load_digits()
    order = permutation(derive(seed, "split"), len(digits.target))
    train = np.concatenate([order[digits.target[order] == label][:shots] for label in range(10)])
    test = np.setdiff1d(order, train)
    return Digits(digits.images[train], digits.target[train]), Digits(digits.images[test], digits.target[test])
