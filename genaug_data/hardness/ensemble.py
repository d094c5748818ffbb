"""Hard is what several networks, or several passes of one with dropout, disagree about."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from genaug_data.errors import ConfigError, DataError
from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.table import HardnessTable

_ROUNDING = 1e-6


class EnsembleDisagreement(HardnessPolicy):
    """Score: ``H(mean_m p_m) - mean_m H(p_m)`` over log M, the Jensen-Shannon divergence of M predictions, in [0, 1].

    It is also the mutual information of prediction and network by which BALD selects (arXiv:1112.5745), whether the M
    are networks or passes of one with dropout: what all are equally unsure about scores 0. The table plays no part;
    feed predictions through :meth:`update` whenever there are new ones, and again after loading a saved run, which does
    not hold them. Examples without any get the floor alone.

    Args:
        size: number N of examples.
        power: as in :class:`HardnessPolicy`.
        floor: as in :class:`HardnessPolicy`.
        min_observations: as in :class:`HardnessPolicy`; None for 0.

    Raises:
        ConfigError: the size is below 1.

    Example:
        >>> policy = EnsembleDisagreement(2)
        >>> policy.update([[[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]])
        >>> policy.score(HardnessTable(2)).tolist()
        [0.0, 1.0]
    """

    name = "ensemble"
    min_observations = 0

    def __init__(
        self, size: int, *, power: float = 0.6, floor: float = 0.15, min_observations: int | None = None
    ) -> None:
        super().__init__(power=power, floor=floor, min_observations=min_observations)
        if size < 1:
            raise ConfigError(f"size must be at least 1, got {size}; pass the number of examples")
        self._divergence = np.full(size, np.nan, dtype=np.float32)

    @torch.no_grad()
    def update(self, probabilities: torch.Tensor | ArrayLike, index: np.ndarray | torch.Tensor | None = None) -> None:
        """Take predictions for some examples; later ones replace earlier ones.

        Args:
            probabilities: ``(M, B, C)``, M at least 2, on any device; ``(M, B, C, H, W)`` of masks gives the mean over
                the pixels.
            index: of the examples, int64 ``(B,)``; None if they are all N, in order.

        Raises:
            DataError: shapes do not fit, an index is out of range, or values are no probabilities.
        """
        members = torch.as_tensor(probabilities).detach()
        size = len(self._divergence)
        rows = np.arange(size) if index is None else np.asarray(torch.as_tensor(index).cpu())
        if members.ndim < 3 or len(members) < 2 or members.shape[1:2] != rows.shape:
            raise DataError(
                f"probabilities must be (M, {len(rows)}, classes) with M of at least 2, got {tuple(members.shape)}; "
                "stack the predictions of all members"
            )
        if len(rows) and not 0 <= rows.min() <= rows.max() < size:
            raise DataError(f"index goes from {rows.min()} to {rows.max()}; pass places in the {size} examples")
        members = members.float()
        if not bool((members >= 0).all() & ((members.sum(2) - 1).abs() < 0.01).all()):
            raise DataError(
                "probabilities must be finite, not negative, and sum to 1 over the classes, which these do not; "
                "pass the softmax of logits"
            )
        within = torch.special.entr(members).sum(2).mean(0)
        divergence = (torch.special.entr(members.mean(0)).sum(1) - within) / np.log(len(members))
        # Rounding leaves a little where all agree, of which no priority should be made.
        divergence = torch.where(divergence > _ROUNDING, divergence, 0.0).reshape(len(rows), -1).mean(1)
        self._divergence[rows] = divergence.cpu().numpy()

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the divergences, float32; NaN where there was no prediction."""
        return self._divergence.copy()
