"""Hard is what has a high loss that does not go down."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class LossTrend(HardnessPolicy):
    """Score: ``m - (s - m)``: the loss m minus the rate at which it falls, s a slower average of the same loss.

    The fast average lags 2.3 observations behind, the slow one 9, so ``s - m`` is what the loss lost in 6.7
    observations, and the score is what it will be after as many more. What is being learnt is left alone: the progress
    that curricula look for (arXiv:1704.03003), taken the other way round. Labels that stay wrong score high.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.loss_ema[:], table.loss_slow_ema[:] = 9, 2.0, (4.0, 2.5)
        >>> LossTrend().score(table).tolist()
        [0.0, 1.5]
    """

    name = "loss_trend"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the losses to come, float32; where they fall below 0, they count as 0."""
        with np.errstate(over="ignore", invalid="ignore"):
            return 2 * table.loss_ema - table.loss_slow_ema
