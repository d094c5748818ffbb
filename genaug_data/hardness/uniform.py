"""Nobody is hard: every example is as likely a parent as any other."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Uniform(HardnessPolicy):
    """Score: 1, so priority ``1 / N`` for everyone, from the first step on: the control of every other policy.

    Sampling uniformly is the baseline of prioritised replay (arXiv:1511.05952).

    Example:
        >>> Uniform().priorities(HardnessTable(4)).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """

    name = "uniform"
    min_observations = 0

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return ones."""
        return np.ones(table.size, dtype=np.float32)
