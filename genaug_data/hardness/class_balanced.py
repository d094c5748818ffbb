"""Rare classes count for more, whatever is hard within them."""

from __future__ import annotations

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class ClassBalanced(HardnessPolicy):
    """Score: another policy's priority times the weight of the class, ``(1 - b) / (1 - b^n)`` for n examples.

    The weight is the reciprocal of the effective number of examples of the class (arXiv:1901.05555): at b near 1 every
    class gets as much as any other, at 0 each example does. Labels are known from feedback with logits; an example
    without such gets the mean weight. All masks have the same label, so for these it changes nothing.

    Args:
        policy: says who is hard; its power, floor and ``min_observations`` apply.
        beta: b, in [0, 1); the paper takes 0.9 to 0.9999.

    Raises:
        ConfigError: ``beta`` is out of its range.

    Example:
        >>> from genaug_data.hardness import Uniform
        >>> table = HardnessTable(4)
        >>> table.label[:] = 0, 0, 0, 1
        >>> ClassBalanced(Uniform(), beta=0.999).priorities(table).round(2).tolist()
        [0.17, 0.17, 0.17, 0.5]
    """

    name = "class_balanced"

    def __init__(self, policy: HardnessPolicy, *, beta: float = 0.999) -> None:
        if not 0 <= beta < 1:
            raise ConfigError(f"beta must be in [0, 1), got {beta}; 0.999 is the default")
        # The wrapped policy's priorities have a power and a floor already.
        super().__init__(power=1.0, floor=0.0, min_observations=policy.min_observations)
        self._policy = policy
        self._beta = beta

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the weighted priorities, float64, also of examples that get the floor alone."""
        return self._policy.priorities(table) * _weights_of(table.label, self._beta)

    def priorities(self, table: HardnessTable) -> np.ndarray:
        """Return the weighted priorities, divided by their sum."""
        weighted = self.score(table)
        return weighted / weighted.sum()


def _weights_of(labels: np.ndarray, beta: float) -> np.ndarray:
    """Return the weight of each example's class, float64 ``(N,)`` of mean 1; labels below 0 are not known yet."""
    weights = np.ones(len(labels))
    known = labels >= 0
    if known.any():
        _, place, counts = np.unique(labels[known], return_inverse=True, return_counts=True)
        by_class = 1 / (1 - beta**counts)
        weights[known] = by_class[place] / np.average(by_class, weights=counts)
    return weights
