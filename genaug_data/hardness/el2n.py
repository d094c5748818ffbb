"""Hard is what the network errs on most, as a vector."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class El2n(HardnessPolicy):
    """Score: the moving average of ``|| p - y ||``, the L2 norm of prediction minus one-hot label (arXiv:2107.07075).

    The paper takes one value early in training, averaged over several networks; here it is averaged over observations
    of one. For masks it is the mean of the pixels' norms. Wrong labels score highest: see :class:`LossEma`.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.error_norm_ema[:] = 2, (0.0, 1.2)
        >>> El2n().priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "el2n"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the average norms, in [0, sqrt(2)]."""
        return table.error_norm_ema
