"""Labels that most neighbours in feature space do not share."""

from __future__ import annotations

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.feature_neighbours import FeatureNeighbours
from genaug_data.hardness.noise.base import NoisePolicy
from genaug_data.hardness.table import HardnessTable


class NeighbourDisagreement(NoisePolicy):
    """Suspects: more than ``share`` of whose k nearest neighbours have another label (arXiv:1803.04765).

    The score is that share, and the suggestion is the neighbours' commonest label, unless that is its own. A network
    that has learnt wrong labels by heart has moved their features: features from before that, or of a network trained
    elsewhere, tell more.

    Args:
        neighbours: the neighbours, which whoever trains brings up to date.
        share: in [0, 1).

    Raises:
        ConfigError: the share is outside its range.

    Example:
        >>> neighbours = FeatureNeighbours(neighbours=2)
        >>> neighbours.update([[9, 0], [9, 1], [9, 2], [0, 9], [1, 9], [2, 9]], [0, 0, 1, 1, 1, 1])
        >>> policy, table = NeighbourDisagreement(neighbours), HardnessTable(6)
        >>> policy.suspects(table).tolist(), policy.suggestions(table)[2]
        ([False, False, True, False, False, False], np.int64(0))
    """

    name = "neighbour_disagreement"

    def __init__(self, neighbours: FeatureNeighbours, *, share: float = 0.5) -> None:
        if not 0 <= share < 1:
            raise ConfigError(f"share must be in [0, 1), got {share}; 0.5 suspects whom most neighbours contradict")
        self._neighbours = neighbours
        self._share = share

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the shares, float32 in [0, 1]; NaN before the neighbours' first update."""
        known = self._neighbours.disagreement
        return np.full(table.size, np.nan, dtype=np.float32) if known is None else known.copy()

    def decide(self, table: HardnessTable, score: np.ndarray) -> np.ndarray:
        """Return whose share is above the bound."""
        return score > self._share

    def suggest(self, table: HardnessTable) -> np.ndarray:
        """Return the commonest label among the neighbours, int64; -1 before their first update."""
        known = self._neighbours.suggestion
        return super().suggest(table) if known is None else known.copy()
