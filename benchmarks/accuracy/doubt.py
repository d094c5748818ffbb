"""Wrong labels, made on purpose, and a noise policy that is not told how many there are."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from genaug_data.demo.digits import Digits
from genaug_data.demo.training import small_network
from genaug_data.hardness.noise import ConfidentLearning
from genaug_data.seeding import derive, numpy_generator, permutation

_FOLDS = 5
_STEPS = 150
_BATCH = 64


def mislabel(digits: Digits, share: float, seed: int) -> np.ndarray:
    """Give ``share`` of the examples another label, each alike, and return who they are, sorted."""
    draw = numpy_generator(derive(seed, "wrong labels"))
    chosen = np.sort(draw.permutation(len(digits))[: round(share * len(digits))])
    for place in chosen.tolist():
        digits.labels[place] = (digits.labels[place] + int(draw.integers(1, 10))) % 10
    return chosen


def cross_fitted_doubt(digits: Digits, seed: int) -> ConfidentLearning:
    """Return confident learning from the probabilities of networks that were not trained on what they judge.

    Each of five networks learns four fifths of the examples; no example's own label has a part in its probabilities.
    """
    images, labels = digits.images.float() / 255, torch.tensor(digits.labels)
    order = permutation(derive(seed, "folds"), len(labels))
    probabilities = np.empty((len(labels), 10))
    for fold in range(_FOLDS):
        held_out = order[fold::_FOLDS]
        others = np.setdiff1d(order, held_out)
        model = small_network(derive(seed, "fold", fold))
        optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
        draw = numpy_generator(derive(seed, "fold", fold))
        for _ in range(_STEPS):
            rows = torch.from_numpy(draw.choice(others, _BATCH))
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            probabilities[held_out] = model(images[held_out]).softmax(1).double().numpy()
    return ConfidentLearning(probabilities / probabilities.sum(1, keepdims=True), labels.numpy())
