"""Wrong labels, made on purpose, and a noise policy that is not told how many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from genaug_data.hardness.noise import ConfidentLearning
from genaug_data.seeding import derive, numpy_generator, permutation

_FOLDS = 5
_STEPS = 150
_BATCH = 64


class Labelled(Protocol):
    """A dataset that holds its images, uint8 ``(N, C, H, W)``, and its labels, which may be changed."""

    images: torch.Tensor
    labels: list[int]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


def mislabel(data: Labelled, share: float, seed: int) -> np.ndarray:
    """Give ``share`` of the examples of ten classes another label, each alike, and return who they are, sorted."""
    draw = numpy_generator(derive(seed, "wrong labels"))
    chosen = np.sort(draw.permutation(len(data))[: round(share * len(data))])
    for place in chosen.tolist():
        data.labels[place] = (data.labels[place] + int(draw.integers(1, 10))) % 10
    return chosen


def cross_fitted_doubt(
    data: Labelled, network: Callable[[int], nn.Module], seed: int, *, device: str = "cpu"
) -> ConfidentLearning:
    """Return confident learning from the probabilities of networks that were not trained on what they judge.

    Each of five networks learns four fifths of the examples; no example's own label has a part in its probabilities.

    Args:
        data: the examples, of ten classes.
        network: a new one, as a function of a seed.
        seed: of folds, networks and draws.
        device: where they are trained.
    """
    images, labels = data.images.float().div(255).to(device), torch.tensor(data.labels, device=device)
    order = permutation(derive(seed, "folds"), len(labels))
    probabilities = np.empty((len(labels), 10))
    for fold in range(_FOLDS):
        held_out = order[fold::_FOLDS]
        others = np.setdiff1d(order, held_out)
        model = network(derive(seed, "fold", fold)).to(device)
        optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
        draw = numpy_generator(derive(seed, "fold", fold))
        for _ in range(_STEPS):
            rows = torch.from_numpy(draw.choice(others, _BATCH)).to(device)
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            found = [model(part).softmax(1).double().cpu() for part in images[held_out].split(500)]
        probabilities[held_out] = torch.cat(found).numpy()
    return ConfidentLearning(probabilities / probabilities.sum(1, keepdims=True), np.asarray(data.labels))
