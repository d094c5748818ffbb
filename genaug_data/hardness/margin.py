"""Hard is what lies between two classes."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Margin(HardnessPolicy):
    """Score: 1 minus the moving average of ``p1 - p2``, the two largest probabilities.

    Margin sampling, as the survey of active learning arXiv:2009.00236 describes it.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.margin_ema[:] = 2, (1.0, 0.2)
        >>> Margin().priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "margin"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return 1 minus the average margins, in [0, 1]."""
        return 1 - table.margin_ema
