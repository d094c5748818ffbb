"""Several opinions on who is hard, made comparable and weighed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ranks import ranks_where
from genaug_data.hardness.table import HardnessTable


class Combination(HardnessPolicy):
    """Score: ``sum_j w_j r_j / sum_j w_j``, r_j the class-wise rank of policy j's score (a weighted Borda count).

    Ranks have no unit, so losses and entropies can be added; within classes, they do not make one hard class the only
    parent. :class:`Ambiguity` is that of entropy and variability (arXiv:2009.10795) with equal weights. The
    combination's own power and floor apply, and an example is ranked once every policy knows it:
    ``min_observations`` is the largest of theirs.

    Args:
        parts: policies, each with its weight above 0.
        power: as in :class:`HardnessPolicy`.
        floor: as in :class:`HardnessPolicy`.

    Raises:
        ConfigError: there is no policy, or a weight is not above 0.

    Example:
        >>> from genaug_data.hardness import Entropy, LossEma
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.label[:] = 2, 0
        >>> table.entropy_ema[:], table.loss_ema[:] = (0.1, 0.5), (9.0, 8.0)
        >>> Combination([(Entropy(), 3), (LossEma(), 1)]).score(table).tolist()
        [0.375, 0.625]
    """

    name = "combination"

    def __init__(
        self, parts: Sequence[tuple[HardnessPolicy, float]], *, power: float = 0.6, floor: float = 0.15
    ) -> None:
        if not parts or not all(0 < weight < np.inf for _, weight in parts):
            raise ConfigError(
                f"parts must be policies with weights above 0, got weights {[weight for _, weight in parts]}; "
                "leave out what should not count"
            )
        least = max(policy.min_observations for policy, _ in parts)
        super().__init__(power=power, floor=floor, min_observations=least)
        self._parts = tuple(parts)

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the mean ranks, float32 in (0, 1); NaN where a policy's score is not finite."""
        scores = [np.asarray(policy.score(table)) for policy, _ in self._parts]
        known = table.observations >= self.min_observations
        for score in scores:
            known &= np.isfinite(score)
        total = sum(weight for _, weight in self._parts)
        mean = np.zeros(table.size, dtype=np.float32)
        for score, (_, weight) in zip(scores, self._parts, strict=True):
            mean += np.float32(weight / total) * ranks_where(known, score, table.label)
        return mean
