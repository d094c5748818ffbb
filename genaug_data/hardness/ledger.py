"""Synthetic samples are on trial: what the training step itself says of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from genaug_data.errors import ConfigError


class TrialCounts(NamedTuple):
    """Rows of feedback that could not be used."""

    nan: int
    unknown: int


class TrialLedger:
    """Retires variants that stay confidently wrong (their label is broken) or confidently right (they teach nothing).

    Both ends are dropped, as by ALIA's confidence filter (arXiv:2305.16289), with no model but the one under training.

    Args:
        uses: observations after which a variant is judged.
        wrong_below: mean probability of its label up to which it counts as broken.
        right_above: mean probability from which it counts as useless.

    Raises:
        ConfigError: the bounds are not 0 <= wrong_below < right_above <= 1, or uses is below 1.

    Example:
        >>> ledger = TrialLedger(uses=1)
        >>> ledger.enter([b"k" * 16])
        >>> statistics = np.array([[3.0], [0], [0.01], [0], [0], [0], [0]])
        >>> ledger.update(np.full((1, 16), ord("k"), dtype=np.uint8), statistics)
        TrialCounts(nan=0, unknown=0)
        >>> ledger.retired()
        {b'kkkkkkkkkkkkkkkk': 'wrong'}
    """

    def __init__(self, uses: int = 3, wrong_below: float = 0.1, right_above: float = 0.99) -> None:
        if uses < 1:
            raise ConfigError(f"uses must be at least 1, got {uses}; 3 judges a variant after three steps")
        if not 0 <= wrong_below < right_above <= 1:
            raise ConfigError(f"0 <= wrong_below < right_above <= 1 must hold, got {wrong_below} and {right_above}")
        self._uses = uses
        self._wrong_below = wrong_below
        self._right_above = right_above
        self._trials: dict[bytes, list[float]] = {}

    def __len__(self) -> int:
        return len(self._trials)

    def enter(self, keys: Iterable[bytes]) -> None:
        """Put variants on trial; those that are already keep what is known of them."""
        for key in keys:
            self._trials.setdefault(key, [0, 0.0])

    def forget(self, keys: Iterable[bytes]) -> None:
        """Drop variants that are gone; feedback that still comes for them is counted as unknown."""
        for key in keys:
            self._trials.pop(key, None)

    def update(self, keys: np.ndarray, statistics: np.ndarray) -> TrialCounts:
        """Book one step's feedback.

        Args:
            keys: uint8 ``(B, 16)``.
            statistics: float32 ``(7, B)``, as :func:`~genaug_data.hardness.row_statistics` returns them; without logits
                the probability is taken from the loss.
        """
        nan = unknown = 0
        for key, loss, probability in zip(keys, statistics[0], statistics[2], strict=True):
            trial = self._trials.get(key.tobytes())
            if np.isnan(probability):
                probability = np.exp(-np.maximum(loss, 0.0))
            if trial is None:
                unknown += 1
            elif not (np.isfinite(loss) and np.isfinite(probability)):
                nan += 1
            else:
                trial[0] += 1
                trial[1] += float(probability)
        return TrialCounts(nan, unknown)

    def retired(self) -> dict[bytes, str]:
        """Return the variants that failed their trial, and whether they are "wrong" or "right"."""
        failed = {}
        for key, (uses, total) in self._trials.items():
            if uses < self._uses:
                continue
            if total / uses <= self._wrong_below:
                failed[key] = "wrong"
            elif total / uses >= self._right_above:
                failed[key] = "right"
        return failed

    def state_dict(self) -> dict[str, Any]:
        """Return all trials as arrays: keys uint8 ``(K, 16)``, uses ``(K,)``, probability ``(K,)``."""
        keys = np.frombuffer(b"".join(self._trials), dtype=np.uint8).reshape(-1, 16).copy()
        values = np.array(list(self._trials.values()), dtype=np.float64).reshape(-1, 2)
        return {"keys": keys, "uses": values[:, 0].astype(np.int64), "probability": values[:, 1]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set the trials to what :meth:`state_dict` returned."""
        rows = zip(state["keys"], state["uses"], state["probability"], strict=True)
        self._trials = {key.tobytes(): [int(uses), float(total)] for key, uses, total in rows}
