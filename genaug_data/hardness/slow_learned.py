"""Hard is what was learnt late: of two clusters early in training, the slow one."""

from __future__ import annotations

import numpy as np

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import EARLY_PREDICTIONS, HardnessTable
from genaug_data.hardness.two_means import lower_of_two


class SlowLearned(HardnessPolicy):
    """Score: 1 in the slowly learnt cluster of the class, 0 in the other: targeted augmentation (arXiv:2505.21574).

    Two-means splits each class by the mean probability of the given label in the first five observations; the cluster
    of low ones is the target, all of it alike. After five observations an example's place in it changes only with its
    class mates'. A class whose examples are all alike, or that has only one, has no slow cluster.

    Example:
        >>> table = HardnessTable(4)
        >>> table.observations[:], table.predictions[:], table.label[:] = 5, 5, 0
        >>> table.early_probability_sum[:] = 4.5, 1.0, 4.0, 0.5
        >>> SlowLearned().score(table).tolist()
        [0.0, 1.0, 0.0, 1.0]
    """

    name = "slow_learned"
    min_observations = EARLY_PREDICTIONS

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return ones and zeros, float32; NaN before ``min_observations`` with logits."""
        confidence = table.early_confidence().astype(np.float32)
        known = (table.predictions >= max(1, self.min_observations)) & np.isfinite(confidence)
        score = np.full(table.size, np.nan, dtype=np.float32)
        score[known] = lower_of_two(confidence[known], table.label[known])
        return score
