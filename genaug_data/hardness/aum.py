"""Hard is what the network gives another label, by far and for long."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ranks import ranks_where
from genaug_data.hardness.table import HardnessTable


class Aum(HardnessPolicy):
    """Score: rank within the class of minus the area under the margin (arXiv:2001.10528).

    The area is the mean over observations of the given label's logit minus the largest other one. Margins of logits
    have no scale, so their ranks count. The lowest areas are wrong labels more often than hard examples: it is here to
    be compared with.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.predictions[:], table.label[:], table.aum_sum[:] = 2, 2, 0, (6.0, -4.0)
        >>> Aum().score(table).tolist()
        [0.25, 0.75]
    """

    name = "aum"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the ranks, float32 in (0, 1), the lowest area highest; NaN before ``min_observations`` with logits."""
        known = (table.predictions >= max(1, self.min_observations)) & np.isfinite(table.aum_sum)
        return ranks_where(known, -table.aum().astype(np.float32), table.label)
