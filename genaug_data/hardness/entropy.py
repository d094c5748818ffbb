"""Hard is what the network is undecided about."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Entropy(HardnessPolicy):
    """Score: the moving average of the entropy ``-sum p log p / log C`` of the prediction; the label plays no part.

    Generating where the training network's entropy is high is deliberate practice (arXiv:2502.15588).

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.entropy_ema[:] = 2, (0.0, 0.9)
        >>> Entropy().priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "entropy"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the average entropies, in [0, 1]."""
        return table.entropy_ema
