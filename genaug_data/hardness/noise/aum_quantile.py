"""A given share of each class is suspect: those with the lowest area under the margin."""

from __future__ import annotations

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.aum import Aum
from genaug_data.hardness.noise.base import NoisePolicy
from genaug_data.hardness.table import HardnessTable


class AumQuantile(NoisePolicy):
    """Suspects: the lowest ``noise_rate`` of every class by area under the margin (arXiv:2001.10528).

    The score is the class-wise rank of minus the area; suspects have a score above ``1 - noise_rate``. The rate has to
    be known or guessed. As much of a clean class is suspected as of a noisy one.

    Args:
        noise_rate: share of labels that are wrong, in (0, 1).
        min_observations: observations with logits before an example is judged, at least 1.

    Raises:
        ConfigError: a value is outside its range.

    Example:
        >>> table = HardnessTable(4)
        >>> table.predictions[:], table.label[:], table.aum_sum[:] = 3, 0, (9.0, -6.0, 3.0, 6.0)
        >>> AumQuantile(noise_rate=0.25).suspects(table).tolist()
        [False, True, False, False]
    """

    name = "aum_quantile"

    def __init__(self, noise_rate: float = 0.05, *, min_observations: int = 3) -> None:
        if not 0 < noise_rate < 1:
            raise ConfigError(f"noise_rate must be in (0, 1), got {noise_rate}; 0.05 is the default")
        if min_observations < 1:
            raise ConfigError(f"min_observations must be at least 1, got {min_observations}; 3 is the default")
        self._noise_rate = noise_rate
        self._ranks = Aum(min_observations=min_observations)

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the ranks, float32 in (0, 1); NaN before ``min_observations`` with logits."""
        return self._ranks.score(table)

    def decide(self, table: HardnessTable, score: np.ndarray) -> np.ndarray:
        """Return whose score is above ``1 - noise_rate``."""
        return score > 1 - self._noise_rate
