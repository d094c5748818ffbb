"""Hard is what the network cannot make up its mind about."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Variability(HardnessPolicy):
    """Score: the standard deviation over observations of the given label's probability (data maps, arXiv:2009.10795).

    The paper calls the top of it ambiguous. Wrong labels have less than their share there.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.predictions[:] = 2, 2
        >>> table.probability_sum[:], table.probability_square_sum[:] = 1.0, (0.5, 0.82)
        >>> Variability().priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "variability"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the standard deviations, in [0, 1/2]."""
        return table.variability()
