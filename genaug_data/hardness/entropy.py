"""Hard is what the network is undecided about."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Entropy(HardnessPolicy):
    """Score: the moving average of the entropy of the predicted distribution; the given label plays no part.

    Entropy as a measure of what to look at next is uncertainty sampling (Shannon entropy; survey in arXiv:2009.00236).

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.entropy_ema[:] = 2, (0.0, 0.9)
        >>> Entropy().priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "entropy"

    def score(self, table: HardnessTable, known: np.ndarray) -> np.ndarray:
        """Return the average entropies, in [0, 1]."""
        return table.entropy_ema[known]
