"""The contract of a policy: scores of the table become priorities."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from genaug_data.hardness.table import HardnessTable


class HardnessPolicy(ABC):
    """Says how hard each example is; the template turns that into probabilities of becoming a parent.

    A member writes :meth:`score`. With scores s over the examples seen often enough, the priority of example i is
    ``(1 - floor) s_i^power / sum(s^power) + floor / N``; examples not seen often enough get the floor alone, and all are
    equal while none was.

    Attributes:
        name: of the policy.
        min_observations: observations before an example is ranked or becomes a parent.
        power: below 1 flattens the distribution (prioritised replay, arXiv:1511.05952).
        floor: share of the probability that is spread evenly.
    """

    name: str
    min_observations: int = 2
    power: float = 0.6
    floor: float = 0.15

    @abstractmethod
    def score(self, table: HardnessTable, known: np.ndarray) -> np.ndarray:
        """Return how hard the examples ``known`` are, ``(len(known),)``; larger is harder, below 0 counts as 0.

        Args:
            table: what training has said.
            known: indices of the examples that were seen often enough, int64.
        """

    def priorities(self, table: HardnessTable) -> np.ndarray:
        """Return the probability of each example to become a parent, float64 ``(N,)``, not negative, sum 1."""
        known = np.flatnonzero(table.observations >= self.min_observations)
        priorities = np.full(table.size, 1 / table.size)
        if not len(known):
            return priorities
        score = np.nan_to_num(np.asarray(self.score(table, known), dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        weights = np.maximum(score, 0.0)
        largest = weights.max()
        if not largest > 0:
            return priorities
        weights = (weights / largest) ** self.power
        priorities *= self.floor
        priorities[known] += weights * ((1 - self.floor) / weights.sum())
        return priorities
