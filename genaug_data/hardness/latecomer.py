"""Hard is what the network had wrong for long and has no longer: the default."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Latecomer(HardnessPolicy):
    """Score: ``(1 - mean lead) (1 + min(late lead, 0))``, how wrong it was on average, times how little it is so now.

    The lead of an observation is the probability of the given label minus the largest other one. In its late mean the
    n-th observation weighs n cubed (polynomial decay, arXiv:1212.1824), so that "now" is about the last quarter of the
    training so far. A wrong label stays behind, a hard example catches up, an easy one leads from the start. No noise
    rate needs to be known, and there is no threshold. It needs logits: by losses alone, all examples stay equal. Once a
    network learns wrong labels by heart, they catch up as well; then ``Ambiguity`` chooses fewer of them.

    Example:
        >>> table = HardnessTable(3)
        >>> table.observations[:], table.predictions[:] = 2, 2
        >>> table.lead_sum[:], table.late_lead[:] = (1.6, -0.6, -1.6), (0.9, 0.1, -0.9)
        >>> Latecomer().score(table).argmax()
        np.int64(1)
    """

    name = "latecomer"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the products, float32 in [0, 2]; NaN before ``min_observations`` with logits."""
        with np.errstate(invalid="ignore", over="ignore"):
            score = (1 - table.lead().astype(np.float32)) * (1 + np.minimum(table.late_lead, 0))
        score[table.predictions < max(1, self.min_observations)] = np.nan
        return score
