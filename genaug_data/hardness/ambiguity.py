"""Hard is what the network is undecided about now and was of two minds about before."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ranks import ranks_where
from genaug_data.hardness.table import HardnessTable


class Ambiguity(HardnessPolicy):
    """Score: rank of the entropy within the class, plus rank of the variability within the class.

    Variability is the standard deviation, over observations, of the probability of the given label (Dataset
    Cartography, arXiv:2009.10795). A wrong label is consistently improbable, so its variability is low; a hard example
    is undecided. No noise rate needs to be known. Both need logits: by losses alone, all examples stay equal.

    Example:
        >>> table = HardnessTable(3)
        >>> table.observations[:], table.predictions[:], table.label[:] = 2, 2, 0
        >>> table.entropy_ema[:] = 0.1, 0.9, 0.8
        >>> table.probability_sum[:], table.probability_square_sum[:] = (2.0, 1.0, 0.1), (2.0, 1.0, 0.005)
        >>> Ambiguity().score(table).argmax()
        np.int64(1)
    """

    name = "ambiguity"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the sum of both ranks, float32 in (0, 2); NaN before ``min_observations`` with logits."""
        entropy, variability = table.entropy_ema, table.variability().astype(np.float32)
        ranked = table.predictions >= max(1, self.min_observations)
        ranked &= np.isfinite(entropy) & np.isfinite(variability)
        return ranks_where(ranked, entropy, table.label) + ranks_where(ranked, variability, table.label)
