"""Whether variants help, class by class, measured in the run itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from genaug_data.auto_off import Allotment, AutoOff
from genaug_data.seeding import derive, permutation

_REFRESHES = 3
_DECIDES_AFTER, _DECIDES_EVERY = 8, 4
_MEMORY = 0.95
_HALF, _LEAST = 0.5, 1 / 8
_ENOUGH_TRIALS = 20
_PARTS = ("first", "second")
_SLICE = ("first_loss", "first_count", "second_loss", "second_count")
_CLASSES = ("keep", "failed", "passing", "first_rows", "second_rows", "together", "spread", "pairs_shown")
_SUMS = ("weight", "change", "square")
_CLOCK = ("rows", "steps", "block", "pairs")


class Usefulness(NamedTuple):
    """What is known of the variants of one class.

    Args:
        label: of the class.
        gain: by which share the loss on the slice is lower for each variant of the class that is trained on in a block;
            NaN before there is evidence.
        error: standard error of it.
        keep: share of its slots that the class keeps.
        failing: share of its variants judged since the last decision that failed their trial; NaN without any.
    """

    label: int
    gain: float
    error: float
    keep: float
    failing: float


class UsefulnessMeter:
    """Takes every step's feedback, and says who may be shown.

    Args:
        auto_off: the rules.
        size: number of real examples.
        seed: of the run.
        epoch_rows: rows that an epoch shows here, fewer than ``size`` where several ranks share it; None for ``size``.
        refresh_every: steps between two publications of who may be shown: a block lasts longer than a few of them.

    Attributes:
        rules: as they were given.
        held_out: who is in the slice, bool ``(N,)``.
    """

    def __init__(
        self, auto_off: AutoOff, size: int, seed: int, refresh_every: int = 1, epoch_rows: int | None = None
    ) -> None:
        self.rules = auto_off
        self.held_out = auto_off.slice_of(size, seed)
        self._size = size
        self._seed = seed
        self._epoch_rows = epoch_rows or size
        self._block_steps = _REFRESHES * refresh_every
        self._indices = np.flatnonzero(self.held_out)
        self._slice = {name: np.zeros(len(self._indices)) for name in _SLICE}
        self._classes = {name: np.zeros(0) for name in _CLASSES}
        self._sums = dict.fromkeys(_SUMS, 0.0)
        self._clock = dict.fromkeys(_CLOCK, 0)

    def update(self, index: np.ndarray, synthetic: np.ndarray, labels: np.ndarray, loss: np.ndarray) -> None:
        """Book one step.

        Args:
            index: of each row's example, or its variant's parent, int64 ``(B,)`` in 0..N-1.
            synthetic: whether it is a variant, bool ``(B,)``.
            labels: class of the example, ``(B,)``; below 0 is not known.
            loss: float ``(B,)``.
        """
        clock, part = self._clock, self._part
        self._make_room(int(labels.max(initial=-1)) + 1)
        counted = synthetic & (labels >= 0)
        self._classes[f"{part}_rows"] += np.bincount(labels[counted], minlength=len(self._classes["keep"]))
        seen = self.held_out[index] & ~synthetic & np.isfinite(loss)
        places = np.searchsorted(self._indices, index[seen])
        np.add.at(self._slice[f"{part}_loss"], places, loss[seen])
        np.add.at(self._slice[f"{part}_count"], places, 1)
        clock["rows"] += len(index)
        clock["steps"] += 1
        if clock["rows"] >= self._epoch_rows and clock["steps"] >= self._block_steps:
            clock["rows"] = clock["steps"] = 0
            clock["block"] += 1
            if clock["block"] % 2 == 0:
                self._end_pair()

    def judge(self, failed: np.ndarray, passing: np.ndarray) -> None:
        """Take in how the trials stand.

        Args:
            failed: classes of the variants that failed since the last call, ``(F,)``.
            passing: classes of those that are judged now and have not failed, ``(P,)``.
        """
        self._make_room(int(max(failed.max(initial=-1), passing.max(initial=-1))) + 1)
        count = len(self._classes["keep"])
        self._classes["failed"] += np.bincount(failed[failed >= 0], minlength=count)
        self._classes["passing"] = np.bincount(passing[passing >= 0], minlength=count).astype(np.float64)

    def allot(self, labels: np.ndarray) -> Allotment:
        """Return who may be shown now, given every example's class, ``(N,)``."""
        keep, places = np.append(self._classes["keep"], 1.0), self._places(labels)
        never = self.held_out | (keep[places] == 0)
        if len(self._indices):
            keep[:-1] *= self._are_on(len(keep) - 1)
        return Allotment(never, keep[places])

    def may_be_parents(self, labels: np.ndarray) -> np.ndarray:
        """Return of whom variants are worth making, bool ``(N,)``: not of the slice, nor of a class that gets none."""
        return ~self.held_out & (np.append(self._classes["keep"], 1.0)[self._places(labels)] > 0)

    def table(self) -> list[Usefulness]:
        """Return what is known of each class."""
        gain, error = self._gains()
        with np.errstate(invalid="ignore"):
            failing = self._classes["failed"] / (self._classes["failed"] + self._classes["passing"])
        columns = zip(gain, error, self._classes["keep"], failing, strict=True)
        return [Usefulness(label, *map(float, values)) for label, values in enumerate(columns)]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return all that is known, float64: columns of the slice and of the classes, sums and clock."""
        numbers = {"sums": list(self._sums.values()), "clock": list(map(float, self._clock.values()))}
        return {name: np.array(column) for name, column in {**self._slice, **self._classes, **numbers}.items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Set everything to what :meth:`state_dict` returned.

        Raises:
            ValueError: the columns do not fit each other or this run; nothing was changed. KeyError: one is missing.
        """
        lengths = dict.fromkeys(_SLICE, len(self._indices)) | dict.fromkeys(_CLASSES, len(state["keep"]))
        for name, length in (lengths | {"sums": len(_SUMS), "clock": len(_CLOCK)}).items():
            if np.shape(state[name]) != (length,):
                raise ValueError(f"auto_off.{name} has shape {np.shape(state[name])}")
            if not np.isfinite(state[name]).all():
                raise ValueError(f"auto_off.{name} is not finite")
        if not ((state["keep"] >= 0) & (state["keep"] <= 1)).all():
            raise ValueError("auto_off.keep is out of range")
        clock = dict(zip(_CLOCK, map(int, state["clock"]), strict=True))
        self._slice = {name: np.array(state[name], dtype=np.float64) for name in _SLICE}
        self._classes = {name: np.array(state[name], dtype=np.float64) for name in _CLASSES}
        self._sums = dict(zip(_SUMS, map(float, state["sums"]), strict=True))
        self._clock = clock

    @property
    def _part(self) -> str:
        return _PARTS[self._clock["block"] % 2]

    def _are_on(self, count: int) -> np.ndarray:
        """Return which classes have variants in this block: a random half in the first of a pair, the other then."""
        pair, is_second = divmod(self._clock["block"], 2)
        first = permutation(derive(self._seed, "auto-off", pair), 2 * count)[:count] < count
        return first ^ bool(is_second)

    def _end_pair(self) -> None:
        """Book how the loss on the slice differs between the two blocks, and how many variants were trained on."""
        part, cells = self._slice, self._classes
        both = (part["first_count"] > 0) & (part["second_count"] > 0)
        first, second = (float((part[f"{name}_loss"][both] / part[f"{name}_count"][both]).sum()) for name in _PARTS)
        any_shown = bool(cells["first_rows"].any() or cells["second_rows"].any())
        shown = cells["first_rows"] - cells["second_rows"]
        if first > 0 and second > 0 and shown.any():
            change = math.log(second / first)
            usual = self._sums["change"] / self._sums["weight"] if self._sums["weight"] else change
            for name, value in zip(_SUMS, (1.0, change, (change - usual) ** 2), strict=True):
                self._sums[name] = _MEMORY * self._sums[name] + value
            cells["together"] = _MEMORY * cells["together"] + shown * (change - usual)
            cells["spread"] = _MEMORY * cells["spread"] + shown**2
        cells["pairs_shown"] += shown != 0
        for name in _SLICE:
            part[name][:] = 0
        cells["first_rows"][:] = cells["second_rows"][:] = 0
        if not any_shown:
            # While the generator is being fitted, say: there is nothing to decide about.
            return
        self._clock["pairs"] += 1
        if self._clock["pairs"] % _DECIDES_EVERY == 0:
            if self._clock["pairs"] >= _DECIDES_AFTER:
                self._decide()
            # What failed long ago says little about the variants of today.
            cells["failed"][:] = 0

    def _decide(self) -> None:
        gain, error = self._gains()
        keep, failed = self._classes["keep"], self._classes["failed"]
        judged = failed + self._classes["passing"]
        seen = self._classes["pairs_shown"] >= _DECIDES_AFTER
        less = ((judged >= _ENOUGH_TRIALS) & (failed > self.rules.failing * judged)) | (gain <= 0) & seen
        keep[less] *= _HALF
        more = (gain >= error) & seen & ~less
        keep[more] = np.minimum(1, keep[more] / _HALF)
        keep[keep < _LEAST] = 0

    def _gains(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the slope through the origin of each class, and its standard error; NaN without evidence."""
        weight, _, square = self._sums.values()
        spread = self._classes["spread"]
        if weight <= 1:
            # The first pair is what the others are compared with.
            return np.full(len(spread), np.nan), np.full(len(spread), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(spread > 0, self._classes["together"] / spread, np.nan)
            error = np.sqrt(square / (weight - 1) / spread)
        return gain, error

    def _places(self, labels: np.ndarray) -> np.ndarray:
        """Return the place of each label in a column with one more entry, for what is not known yet."""
        return np.where((labels >= 0) & (labels < len(self._classes["keep"])), labels, -1)

    def _make_room(self, count: int) -> None:
        missing = count - len(self._classes["keep"])
        if missing > 0:
            for name in _CLASSES:
                added = np.full(missing, 1.0 if name == "keep" else 0.0)
                self._classes[name] = np.append(self._classes[name], added)
