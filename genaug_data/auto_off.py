"""Fewer variants where they do not help: the rules, and who may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.seeding import derive, permutation


@dataclass(frozen=True, slots=True)
class AutoOff:
    """Lets a run measure on a slice of its own training set whether variants help, and show fewer where they do not.

    The slice is not trained on: its rows weigh 0 in ``meta.weight()``, no variant is made of them, and the generator is
    not fitted on them. They still pass through the network, and so through its batch normalisation.

    Training is cut into blocks of an epoch, or of three refreshes where these take longer, and two blocks are a pair:
    each class has variants in one of them, drawn at random, and real examples in their slots in the other. So a run
    shows half of its ratio. The loss of the whole slice in the one block is compared with that in the other, and
    regressed on how many variants of a class more there were. Every four pairs, from the eighth on, a class whose slope
    is not positive keeps half of its variants, one whose slope is positive by a standard error doubles them again, and
    one that is left with less than an eighth gets none any more. A class also keeps half if most of its variants fail
    their trial. Classes are known from ``observe`` with logits alone.

    It is a blunt tool: it takes tens of blocks, and with few examples in the slice it sees a large harm only. Where an
    epoch has fewer steps than three times ``refresh_every``, which is 50 by default, these blocks are many epochs: pass
    a smaller one. By losses alone, nothing is ever decided. A cache filled without a slice is refused.

    Args:
        held_out: share of the examples in the slice, in [0, 0.5]; with 0 only the trials count, and nothing is
            compared.
        failing: share of a class's variants judged since the last decision, above which fewer are shown if so many
            failed their trial, in (0, 1).

    Raises:
        ConfigError: a value is outside its range.

    Example:
        >>> int(AutoOff(held_out=0.2).slice_of(10, seed=0).sum())
        2
    """

    held_out: float = 0.1
    failing: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.held_out <= 0.5:
            raise ConfigError(f"held_out must be in [0, 0.5], got {self.held_out}; 0.1 leaves a tenth out of training")
        if not 0 < self.failing < 1:
            raise ConfigError(f"failing must be in (0, 1), got {self.failing}; 0.5 asks for the most of the trials")

    def slice_of(self, size: int, seed: int) -> np.ndarray:
        """Return who is in the slice, bool ``(size,)``."""
        chosen = np.zeros(size, dtype=bool)
        chosen[permutation(derive(seed, "held out"), size)[: round(self.held_out * size)]] = True
        return chosen


class Allotment(NamedTuple):
    """Who may be shown now.

    Args:
        never: whose variants must not be, bool ``(N,)``.
        keep: share of its slots that each parent keeps, float64 ``(N,)`` in [0, 1].
    """

    never: np.ndarray
    keep: np.ndarray


def thin(weights: np.ndarray, parents: np.ndarray, allotment: Allotment) -> tuple[np.ndarray, float]:
    """Return the weights of those who may be shown, and the weight of the slots that stay real.

    Args:
        weights: of each parent that has variants, float64 ``(P,)``.
        parents: who they are, int64 ``(P,)``.
        allotment: who may be shown.

    Example:
        >>> thin(np.ones(3), np.arange(3), Allotment(np.array([False, False, True]), np.array([1.0, 0.5, 1.0])))
        (array([1. , 0.5, 0. ]), 0.5)
    """
    shown = np.where(allotment.never[parents], 0.0, weights)
    kept = shown * allotment.keep[parents]
    return kept, float(shown.sum() - kept.sum())
