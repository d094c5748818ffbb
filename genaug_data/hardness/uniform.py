"""Nobody is hard: every example is as likely a parent as any other."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Uniform(HardnessPolicy):
    """Priority 1 / N for everyone, from the first step on: the control that every other policy is held against.

    Example:
        >>> Uniform().priorities(HardnessTable(4)).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """

    name = "uniform"
    min_observations = 0

    def score(self, table: HardnessTable, known: np.ndarray) -> np.ndarray:
        """Return ones."""
        return np.ones(len(known))
