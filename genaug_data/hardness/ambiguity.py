"""Hard is what the network is undecided about now and was of two minds about before: the default."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ranks import class_ranks
from genaug_data.hardness.table import HardnessTable


class Ambiguity(HardnessPolicy):
    """Score: rank of the entropy within the class, plus rank of the variability within the class.

    Variability is the standard deviation, over observations, of the probability of the given label (Dataset Cartography,
    arXiv:2009.10795). A wrong label is consistently improbable, so its variability is low; a hard example is undecided.
    No noise rate needs to be known.

    Example:
        >>> table = HardnessTable(3)
        >>> table.observations[:], table.predictions[:], table.label[:] = 2, 2, 0
        >>> table.entropy_ema[:] = 0.1, 0.9, 0.8
        >>> table.probability_sum[:], table.probability_square_sum[:] = (2.0, 1.0, 0.1), (2.0, 1.0, 0.005)
        >>> Ambiguity().priorities(table).argmax()
        np.int64(1)
    """

    name = "ambiguity"

    def score(self, table: HardnessTable, known: np.ndarray) -> np.ndarray:
        """Return the sum of both ranks, in (0, 2]; 0 for examples whose logits were never seen."""
        entropy, variability, labels = table.entropy_ema[known], table.variability()[known], table.label[known]
        seen = np.isfinite(entropy) & np.isfinite(variability)
        score = np.zeros(len(known))
        if seen.all():
            return class_ranks(entropy, labels) + class_ranks(variability, labels)
        score[seen] = class_ranks(entropy[seen], labels[seen]) + class_ranks(variability[seen], labels[seen])
        return score
