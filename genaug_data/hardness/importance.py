"""The factors of the loss that undo what an uneven choice does to its mean."""

from __future__ import annotations

import numpy as np

from genaug_data.errors import ConfigError


def importance_weights(priorities: np.ndarray, beta: float = 0.5) -> np.ndarray:
    """Return ``(N P_i)^-beta / max_j (N P_j)^-beta``, float32 ``(N,)`` in (0, 1] (arXiv:1511.05952).

    A training loop that draws its examples by ``priorities`` multiplies each row's loss with
    ``importance_weights(priorities, beta)[meta.index]``; the variants of the synthetic rows are drawn so, the real rows
    are not. At beta 1 the mean loss is again that of an even draw; the paper goes from 0.5 to 1 as training ends. An
    example that is never drawn has weight 1.

    Args:
        priorities: as :meth:`~genaug_data.hardness.HardnessPolicy.priorities` returns them.
        beta: how much of the bias is undone, in [0, 1].

    Raises:
        ConfigError: beta is outside [0, 1], or a priority is negative or not finite.

    Example:
        >>> importance_weights(np.array([0.5, 0.25, 0.25]), beta=1.0).tolist()
        [0.5, 1.0, 1.0]
    """
    if not 0 <= beta <= 1:
        raise ConfigError(f"beta must be in [0, 1], got {beta}; 0.5 is the default")
    drawn = priorities > 0
    if not drawn.any() or not np.isfinite(priorities).all() or (priorities < 0).any():
        raise ConfigError(
            f"priorities must be finite and not negative, with one above 0, got {priorities.min()} to "
            f"{priorities.max()}; pass what HardnessPolicy.priorities() returned"
        )
    # N and the maximum leave only the ratio to the least probable of those that can be drawn.
    least = priorities.min(where=drawn, initial=np.inf)
    return ((least / np.where(drawn, priorities, least)) ** beta).astype(np.float32)
