"""Hard is what has a high loss."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable

_EPSILON = np.float32(1e-6)


class LossEma(HardnessPolicy):
    """Score: ``m + eps``, m the moving average of the loss: proportional prioritisation (arXiv:1511.05952).

    Mislabelled examples have a high loss too: with real label noise the top tenth by loss holds two to five times their
    share. It is here to be compared with, and for data whose labels are beyond doubt.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.loss_ema[:] = 2, (0.0, 3.0)
        >>> LossEma().priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "loss_ema"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the average losses plus 1e-6."""
        return table.loss_ema + _EPSILON
