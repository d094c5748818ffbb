"""Characters of Omniglot as small images: a set to learn from, and a few-shot problem of other alphabets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from benchmarks.accuracy.few_shot import FewShot
from genaug_data.seeding import derive, permutation

SIDE = 20


class Characters(Dataset):
    """Drawings as (uint8 tensor (1, 20, 20), character), white on black; thin strokes are brightened.

    Args:
        folder: holds ALPHABET/CHARACTER/*.png, black on white.
        without: alphabets to leave out.
    """

    def __init__(self, folder: Path, without: Sequence[str] = ()) -> None:
        alphabets = sorted(place for place in folder.iterdir() if place.is_dir() and place.name not in without)
        characters = [place for alphabet in alphabets for place in sorted(alphabet.iterdir())]
        files = [(file, label) for label, place in enumerate(characters) for file in sorted(place.glob("*.png"))]
        self.images = torch.stack([_drawing(file) for file, _ in files])
        self.labels = torch.tensor([label for _, label in files])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], int(self.labels[index])

    def few_shot(self, shots: int, seed: int, classes: int) -> FewShot:
        """Return ``shots`` drawings of the first ``classes`` characters each to train on, and the others to test."""
        train, test = [], []
        for label in range(classes):
            places = torch.where(self.labels == label)[0]
            places = places[torch.from_numpy(permutation(derive(seed, "shots", label), len(places)))]
            train.append(places[:shots])
            test.append(places[shots:])
        chosen, others = torch.cat(train), torch.cat(test)
        return FewShot(self.images[chosen], self.labels[chosen], self.images[others], self.labels[others])


def _drawing(file: Path) -> torch.Tensor:
    with Image.open(file) as image:
        small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    ink = 2 * (255 - np.asarray(small, dtype=np.float32))
    return torch.from_numpy(np.clip(np.rint(ink), 0, 255).astype(np.uint8)).unsqueeze(0)
