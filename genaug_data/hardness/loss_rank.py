"""Hard is what is among the highest losses, whatever these are."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ranks import ranks_where
from genaug_data.hardness.table import HardnessTable


class LossRank(HardnessPolicy):
    """Score: ``1 / rank``, 1 for the highest average loss: rank-based prioritised replay (arXiv:1511.05952).

    Equal losses share their mean rank. The paper's power, 0.7, is the default. What is drawn by it is biased towards
    the hard: :func:`~genaug_data.hardness.importance_weights` are the factors of the loss that undo this.

    Args:
        power: above 0; the paper's alpha.
        floor: share of the probability that is spread evenly, in [0, 1].
        min_observations: observations before an example is ranked; None for 2.

    Example:
        >>> table = HardnessTable(3)
        >>> table.observations[:], table.loss_ema[:] = 2, (0.5, 9.0, 0.1)
        >>> LossRank().score(table).tolist()[:2]
        [0.5, 1.0]
    """

    name = "loss_rank"

    def __init__(self, *, power: float = 0.7, floor: float = 0.15, min_observations: int | None = None) -> None:
        super().__init__(power=power, floor=floor, min_observations=min_observations)

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the reciprocal ranks, float32 in (0, 1]; NaN before ``min_observations``."""
        known = (table.observations >= max(1, self.min_observations)) & np.isfinite(table.loss_ema)
        # Ranks count from the smallest on, where floats are dense: the first thousand of 100 million stay apart.
        shares = ranks_where(known, -table.loss_ema, np.zeros(table.size, dtype=np.int32))
        return 1 / (shares * np.float32(known.sum()) + np.float32(0.5))
