"""Hard is what is learnt and forgotten again, or never learnt at all."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class Forgetting(HardnessPolicy):
    """Score: how often the example went from correct to wrong; one more than the most for those never correct.

    As in arXiv:1812.05159, never learnt ranks highest. What was never forgotten scores 0 and gets the floor alone.

    Example:
        >>> table = HardnessTable(3)
        >>> table.observations[:], table.predictions[:] = 2, 2
        >>> table.forgetting[:], table.last_correct[:] = (0, 2, 0), (1, 0, 0)
        >>> Forgetting().score(table).tolist()
        [0.0, 2.0, 3.0]
    """

    name = "forgetting"

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the counts, float32; 0 before the first observation with logits."""
        counts = table.forgetting.astype(np.float32)
        # Whoever is wrong now and never went from correct to wrong was never correct.
        never_learnt = (table.forgetting == 0) & (table.last_correct == 0)
        counts[never_learnt] = max(counts.max(), 0) + 1
        return counts
