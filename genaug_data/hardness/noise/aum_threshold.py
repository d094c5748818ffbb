"""Examples whose label is wrong for certain show how low the area under the margin of wrong labels is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from genaug_data.errors import ConfigError
from genaug_data.hardness.noise.base import NoisePolicy
from genaug_data.hardness.table import HardnessTable
from genaug_data.seeding import derive, numpy_generator


def draw_threshold_samples(size: int, classes: int, seed: int = 0) -> np.ndarray:
    """Return the indices of ``N / (C + 1)`` of N examples, sorted int64, at least one: who carries the fake class.

    Args:
        size: number N of examples.
        classes: number C of real classes; the fake one is number C.
        seed: of the draw; a second run with another one judges the examples that the first had to leave out.

    Raises:
        ConfigError: there are fewer than two examples, or no class.

    Example:
        >>> len(draw_threshold_samples(110, classes=10))
        10
    """
    if size < 2 or classes < 1:
        raise ConfigError(f"size must be at least 2 and classes 1, got {size} and {classes}; pass those of the dataset")
    count = max(1, size // (classes + 1))
    return np.sort(numpy_generator(derive(seed, "threshold samples")).permutation(size)[:count])


class AumThreshold(NoisePolicy):
    """Suspects: whose area under the margin is below that of 99 % of the threshold samples (arXiv:2001.10528).

    Threshold samples are trained on under a class of their own, for which the network has one more output: their label
    is wrong for certain, so no noise rate has to be known. The training loop gives it to them, in the loss and to
    ``observe`` alike: ``labels[np.isin(meta.index, samples) & ~meta.synthetic] = classes``. The score is minus the
    area; threshold samples have none.

    A network that has not learnt much gives most examples a low area, and then suspects most.

    Args:
        threshold_samples: indices of the samples, as :func:`draw_threshold_samples` returns them.
        quantile: share of the threshold samples whose area is below the cut, in (0, 1).
        min_observations: observations with logits before an example is judged, at least 1.

    Raises:
        ConfigError: there is no sample, or a value is outside its range.

    Example:
        >>> table = HardnessTable(4)
        >>> table.predictions[:], table.aum_sum[:] = 3, (9.0, -6.0, -3.0, 6.0)
        >>> AumThreshold([2]).suspects(table).tolist()
        [False, True, False, False]
    """

    name = "aum_threshold"

    def __init__(self, threshold_samples: ArrayLike, *, quantile: float = 0.99, min_observations: int = 3) -> None:
        self._samples = np.unique(np.asarray(threshold_samples))
        if self._samples.dtype.kind not in "iu" or self._samples.size == 0 or self._samples[0] < 0:
            raise ConfigError(
                f"threshold_samples must be indices, at least one, got {self._samples[:3]}; "
                "pass what draw_threshold_samples() returned"
            )
        if not 0 < quantile < 1:
            raise ConfigError(f"quantile must be in (0, 1), got {quantile}; 0.99 is the default")
        if min_observations < 1:
            raise ConfigError(f"min_observations must be at least 1, got {min_observations}; 3 is the default")
        self._quantile = quantile
        self._min_observations = min_observations

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return minus the areas, float64; NaN for threshold samples and before ``min_observations`` with logits.

        Raises:
            ConfigError: a threshold sample is not in the table.
        """
        score = -self._areas(table)
        score[self._samples] = np.nan
        return score

    def decide(self, table: HardnessTable, score: np.ndarray) -> np.ndarray:
        """Return whose area is below the quantile of the threshold samples'; nobody's before any of these was seen."""
        areas = self._areas(table)[self._samples]
        areas = areas[np.isfinite(areas)]
        return -score < np.quantile(areas, self._quantile) if areas.size else np.zeros(table.size, dtype=bool)

    def _areas(self, table: HardnessTable) -> np.ndarray:
        if self._samples[-1] >= table.size:
            raise ConfigError(
                f"threshold sample {self._samples[-1]} is not among {table.size} examples; draw them for this dataset"
            )
        return np.where(table.predictions >= self._min_observations, table.aum(), np.nan)
