"""The contract of a policy: scores of the table become priorities."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.table import HardnessTable


class HardnessPolicy(ABC):
    """Says how hard each example is; the template turns that into probabilities of becoming a parent.

    A member writes :meth:`score`. With score s, the priority of example i is
    ``(1 - floor) s_i^power / sum(s^power) + floor / N``. Examples seen less often than ``min_observations``, or whose
    score is not finite, get the floor alone; while there is nothing to tell examples apart by, all are equal.

    Args:
        power: above 0; below 1 flattens the distribution (prioritised replay, arXiv:1511.05952).
        floor: share of the probability that is spread evenly, in [0, 1].
        min_observations: observations before an example is ranked or becomes a parent; None for the policy's own.

    Raises:
        ConfigError: a value is outside its range.

    Attributes:
        name: of the policy.

    Example:
        >>> class Staleness(HardnessPolicy):
        ...     name = "staleness"
        ...
        ...     def score(self, table):
        ...         return table.last_seen.max() - table.last_seen
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.last_seen[:] = 2, (9, 6)
        >>> Staleness(floor=0.5).priorities(table).tolist()
        [0.25, 0.75]
    """

    name: str
    min_observations: int = 2
    power: float = 0.6
    floor: float = 0.15

    def __init__(self, *, power: float = 0.6, floor: float = 0.15, min_observations: int | None = None) -> None:
        if not 0 < power < np.inf:
            raise ConfigError(f"power must be above 0 and finite, got {power}; 0.6 is the default")
        if not 0 <= floor <= 1:
            raise ConfigError(f"floor must be in [0, 1], got {floor}; 0.15 is the default")
        self.power = power
        self.floor = floor
        if min_observations is not None:
            if min_observations < 0:
                raise ConfigError(f"min_observations must be at least 0, got {min_observations}; 2 is the default")
            self.min_observations = min_observations

    @abstractmethod
    def score(self, table: HardnessTable) -> np.ndarray:
        """Return how hard each example is, ``(N,)``; larger is harder, below 0 counts as 0, NaN as not known."""

    def priorities(self, table: HardnessTable) -> np.ndarray:
        """Return the probability of each example to become a parent, float64 ``(N,)``, not negative, sum 1.

        Raises:
            ConfigError: the policy did not give one score for each example.
        """
        score = np.asarray(self.score(table))
        if score.shape != (table.size,):
            raise ConfigError(
                f"policy {self.name} must return one score for each of {table.size} examples, got shape {score.shape}"
            )
        weights = self._weights(score, table.observations >= self.min_observations)
        total = weights.sum(dtype=np.float64)
        if not total > 0:
            return np.full(table.size, 1 / table.size)
        priorities = weights.astype(np.float64)
        priorities *= (1 - self.floor) / total
        priorities += self.floor / table.size
        return priorities

    def _weights(self, score: np.ndarray, known: np.ndarray) -> np.ndarray:
        # Float32 scores are raised to the power as they are: at a million examples that takes half as long.
        if score.dtype != np.float32:
            score = score.astype(np.float64)
        score = np.where(known & np.isfinite(score) & (score > 0), score, 0)
        largest = score.max()
        return (score / largest) ** self.power if largest > 0 else score
