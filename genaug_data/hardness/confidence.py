"""Hard is what the network seldom believes."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Confidence(HardnessPolicy):
    """Score: ``1 - mu``, mu the mean over observations of the given label's probability (data maps, arXiv:2009.10795).

    Low confidence with low variability is the corner of the map where wrong labels lie.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.predictions[:], table.probability_sum[:] = 2, 2, (2.0, 0.4)
        >>> Confidence().priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "confidence"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return 1 minus the mean probabilities, in [0, 1]."""
        return 1 - table.confidence()
