"""Hard is what is not learnt yet but can be learnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from genaug_data.errors import ConfigError
from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable


class ReducibleLoss(HardnessPolicy):
    """Score: ``m - l``, the average loss minus the irreducible loss of the example: RHO-LOSS (arXiv:2206.07137).

    The irreducible loss is that of a network which was not trained on the example; a small one will do.
    :func:`~genaug_data.hardness.split_half_losses` gives it without a holdout set. A wrong label has a high one, so its
    difference is small; so has a rare example that is right, which is what the policy fails on. Below 0 counts as 0.

    Args:
        irreducible: float ``(N,)``, in the order of the dataset; NaN where it is not known.
        power: as in :class:`HardnessPolicy`.
        floor: as in :class:`HardnessPolicy`.
        min_observations: as in :class:`HardnessPolicy`.

    Raises:
        ConfigError: the losses are not one number an example.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.loss_ema[:] = 2, 3.0
        >>> ReducibleLoss([2.5, 0.5]).score(table).tolist()
        [0.5, 2.5]
    """

    name = "reducible_loss"

    def __init__(
        self, irreducible: ArrayLike, *, power: float = 0.6, floor: float = 0.15, min_observations: int | None = None
    ) -> None:
        super().__init__(power=power, floor=floor, min_observations=min_observations)
        self._irreducible = np.array(irreducible, dtype=np.float32)
        if self._irreducible.ndim != 1:
            raise ConfigError(
                f"irreducible must hold one loss an example, got shape {self._irreducible.shape}; pass shape (N,)"
            )

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the differences, float32.

        Raises:
            ConfigError: there are not as many irreducible losses as examples.
        """
        if len(self._irreducible) != table.size:
            raise ConfigError(
                f"irreducible holds the losses of {len(self._irreducible)} examples, the dataset has {table.size}; "
                "compute them on the same dataset"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            return table.loss_ema - self._irreducible
