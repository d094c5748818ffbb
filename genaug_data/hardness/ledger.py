"""Synthetic samples are on trial: what the training step itself says of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from genaug_data.errors import ConfigError, DataError

_KEY_BYTES = 16
_FIRST_ROOM = 1024


class TrialCounts(NamedTuple):
    """Rows of feedback that could not be used.

    Args:
        nan: rows without a finite loss or probability.
        unknown: rows of variants that are not on trial, for example because they were evicted meanwhile.
    """

    nan: int
    unknown: int


class TrialLedger:
    """Retires variants that stay confidently wrong (their label is broken) or confidently right (they teach nothing).

    Both ends are dropped, as by ALIA's confidence filter (arXiv:2305.16289), with no model but the one under training.
    It holds what was entered and not forgotten: as much as the cache does.

    Args:
        uses: observations after which a variant is judged.
        wrong_below: mean probability of its label up to which it counts as broken.
        right_above: mean probability from which it counts as useless.

    Raises:
        ConfigError: the bounds are not 0 <= wrong_below < right_above <= 1, or uses is below 1.

    Example:
        >>> ledger = TrialLedger(uses=1)
        >>> ledger.enter([b"k" * 16])
        >>> ledger.update([b"k" * 16], np.float32([[3.0], [0], [0.01], [0], [0], [0], [0], [0], [0]]))
        TrialCounts(nan=0, unknown=0)
        >>> ledger.retired()
        {b'kkkkkkkkkkkkkkkk': 'wrong'}
    """

    def __init__(self, uses: int = 3, wrong_below: float = 0.1, right_above: float = 0.99) -> None:
        if uses < 1:
            raise ConfigError(f"uses must be at least 1, got {uses}; 3 judges a variant after three steps")
        if not 0 <= wrong_below < right_above <= 1:
            raise ConfigError(f"0 <= wrong_below < right_above <= 1 must hold, got {wrong_below} and {right_above}")
        self._judged_after = uses
        self._wrong_below = wrong_below
        self._right_above = right_above
        # Every trial has a slot in the columns; slots are always 0 to len - 1.
        self._slots: dict[bytes, int] = {}
        self._keys = np.zeros((_FIRST_ROOM, _KEY_BYTES), dtype=np.uint8)
        self._uses = np.zeros(_FIRST_ROOM, dtype=np.int32)
        self._probability = np.zeros(_FIRST_ROOM, dtype=np.float64)

    def __len__(self) -> int:
        return len(self._slots)

    def enter(self, keys: Iterable[bytes]) -> None:
        """Put variants on trial; those that are already keep what is known of them."""
        for key in keys:
            if key in self._slots:
                continue
            slot = len(self)
            if slot == len(self._uses):
                self._double()
            self._slots[key] = slot
            self._keys[slot] = np.frombuffer(key, dtype=np.uint8)
            self._uses[slot] = 0
            self._probability[slot] = 0.0

    def forget(self, keys: Iterable[bytes]) -> None:
        """Drop variants that are gone; feedback that still comes for them is counted as unknown."""
        for key in keys:
            slot = self._slots.pop(key, None)
            last = len(self)
            if slot is None or slot == last:
                continue
            # The trial in the last slot moves into the one that is free now.
            self._slots[self._keys[last].tobytes()] = slot
            for column in (self._keys, self._uses, self._probability):
                column[slot] = column[last]

    def update(self, keys: np.ndarray | Sequence[bytes], statistics: np.ndarray) -> TrialCounts:
        """Book one step's feedback.

        Args:
            keys: uint8 ``(B, 16)``, or B times 16 bytes.
            statistics: float32 ``(9, B)``, as :func:`~genaug_data.hardness.row_statistics` returns them; without logits
                the probability is taken from the loss, as exp(-loss).
        """
        loss, probability = np.asarray(statistics[0]), np.asarray(statistics[2])
        with np.errstate(over="ignore", invalid="ignore"):
            probability = np.where(np.isnan(probability), np.exp(-np.maximum(loss, 0)), probability)
        usable = np.isfinite(loss) & np.isfinite(probability)
        unknown = 0
        for key, value in zip(_as_bytes(keys, usable), probability[usable].tolist(), strict=True):
            slot = self._slots.get(key)
            if slot is None:
                unknown += 1
            else:
                self._uses[slot] += 1
                self._probability[slot] += value
        return TrialCounts(int((~usable).sum()), unknown)

    def retired(self) -> dict[bytes, str]:
        """Return the variants that failed their trial, and whether they are "wrong" or "right"."""
        _, wrong, right = self._verdicts()
        return {
            self._keys[slot].tobytes(): "wrong" if wrong[slot] else "right" for slot in np.flatnonzero(wrong | right)
        }

    def passing(self) -> list[bytes]:
        """Return the variants that were judged and have not failed."""
        judged, wrong, right = self._verdicts()
        return [self._keys[slot].tobytes() for slot in np.flatnonzero(judged & ~wrong & ~right)]

    def _verdicts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return of each slot whether it was used often enough, and whether it is wrong, or right."""
        uses = self._uses[: len(self)]
        mean = self._probability[: len(self)] / np.maximum(uses, 1)
        judged = uses >= self._judged_after
        return judged, judged & (mean <= self._wrong_below), judged & (mean >= self._right_above)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return all trials: keys uint8 ``(K, 16)``, uses int32 ``(K,)``, sums of the probability float64 ``(K,)``."""
        columns: dict[str, np.ndarray] = {"keys": self._keys, "uses": self._uses, "probability": self._probability}
        return {name: column[: len(self)].copy() for name, column in columns.items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Set the trials to what :meth:`state_dict` returned.

        Raises:
            DataError: an array is missing or they do not fit each other; nothing was changed.
        """
        found = {name: np.shape(state[name]) if name in state else () for name in ("keys", "uses", "probability")}
        count = found["keys"][0] if found["keys"] else 0
        if found != {"keys": (count, _KEY_BYTES), "uses": (count,), "probability": (count,)}:
            raise DataError(
                f"a ledger's state must hold keys (K, 16), uses (K,) and probability (K,), got {found}; "
                "pass what state_dict() returned"
            )
        keys = np.array(state["keys"], dtype=np.uint8)
        self._slots = {}
        self.enter(key.tobytes() for key in keys)
        self._uses[:count] = state["uses"]
        self._probability[:count] = state["probability"]

    def _double(self) -> None:
        self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
        self._uses = np.concatenate([self._uses, np.zeros_like(self._uses)])
        self._probability = np.concatenate([self._probability, np.zeros_like(self._probability)])


def _as_bytes(keys: np.ndarray | Sequence[bytes], wanted: np.ndarray) -> list[bytes]:
    if isinstance(keys, np.ndarray):
        return [key.tobytes() for key in keys[wanted]]
    return [key for key, want in zip(keys, wanted, strict=True) if want]
