"""What a network that never saw an example loses on it, for every example of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from genaug_data.errors import ConfigError
from genaug_data.seeding import derive, numpy_generator


def split_half_losses(
    train_function: Callable[[np.ndarray, np.ndarray], Any], dataset_size: int, seed: int = 0
) -> np.ndarray:
    """Train twice, each time on one half of a dataset, and return the losses on the other, float32 ``(N,)``.

    These are the irreducible losses of :class:`~genaug_data.hardness.ReducibleLoss` where no holdout set can be spared
    (arXiv:2206.07137).

    Args:
        train_function: called twice as ``train_function(train, held_out)`` with sorted int64 indices; trains a new
            network on ``train`` and returns its losses on ``held_out``, one each, in this order, as array or tensor.
        dataset_size: number N of examples.
        seed: of the split.

    Raises:
        ConfigError: there are fewer than 2 examples, or the function returned another number of losses.

    Example:
        >>> def train_mean(train, held_out):
        ...     return np.abs(held_out - train.mean())
        >>> split_half_losses(train_mean, 4).shape
        (4,)
    """
    if dataset_size < 2:
        raise ConfigError(f"dataset_size must be at least 2 to be split, got {dataset_size}; pass len(dataset)")
    order = numpy_generator(derive(seed, "split half")).permutation(dataset_size)
    first, second = np.sort(order[: dataset_size // 2]), np.sort(order[dataset_size // 2 :])
    losses = np.empty(dataset_size, dtype=np.float32)
    for train, held_out in ((first, second), (second, first)):
        found = torch.as_tensor(train_function(train.copy(), held_out.copy())).detach().float().cpu().numpy()
        if found.shape != held_out.shape:
            raise ConfigError(
                f"train_function must return one loss for each of the {len(held_out)} examples held out, got shape "
                f"{found.shape}; compute them with reduction='none'"
            )
        losses[held_out] = found
    return losses
