"""What training has said of every example so far: O(1) numbers an example, from the training step's own logits."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from genaug_data.errors import ConfigError, DataError

EARLY_PREDICTIONS = 5
"""Observations with logits that count as early training."""

_COLUMNS = {
    "observations": np.int32,
    "last_seen": np.int32,
    "loss_ema": np.float32,
    "loss_slow_ema": np.float32,
    "entropy_ema": np.float32,
    "margin_ema": np.float32,
    "error_norm_ema": np.float32,
    "probability_sum": np.float32,
    "probability_square_sum": np.float32,
    "aum_sum": np.float32,
    "early_probability_sum": np.float32,
    "lead_sum": np.float32,
    "late_lead": np.float32,
    "predictions": np.int32,
    "forgetting": np.int32,
    "last_correct": np.int32,
    "label": np.int32,
}
# Rows of the block that are moving averages, the statistics averaged there, and what the newest weighs.
_AVERAGES, _AVERAGED = slice(2, 7), [0, 0, 1, 3, 7]
_NEWEST_WEIGHS = np.array([[0.3], [0.1], [0.3], [0.3], [0.3]], dtype=np.float32)
# Rows that are sums, and from where on a row needs logits.
_SUMS, _FROM_LOGITS = slice(7, 12), 4


class Ignored(NamedTuple):
    """Rows of an update that could not be used.

    Args:
        nan: rows of the table whose loss was NaN or infinite.
        out_of_range: rows whose index was negative or not below the table's size.
    """

    nan: int
    out_of_range: int


class HardnessTable:
    """Flat columns ``(N,)``, float32 and int32, in one block of memory that forked children share.

    The block is an anonymous shared mapping: at 68 bytes an example, the 1.28 million of ImageNet need more than the
    64 MB of ``/dev/shm`` that a container has by default, which DataLoader workers need. Pickling copies.

    Args:
        size: number N of real examples.

    Raises:
        ConfigError: the size is below 1.

    Attributes:
        loss_ema: exponential moving average of the loss (the newest weighs 0.3); NaN before the first observation.
        loss_slow_ema: a slower one, in which the newest weighs 0.1.
        entropy_ema: that of the normalised entropy, as fast as ``loss_ema``; NaN before any observation with logits.
        margin_ema: the same of the margin between the two most probable classes.
        error_norm_ema: the same of the L2 norm of prediction minus label.
        probability_sum: sum over observations of the probability of the given label.
        probability_square_sum: sum of its squares.
        aum_sum: sum of the logit margins of the given label.
        early_probability_sum: the first five summands of ``probability_sum``.
        lead_sum: sum of the given label's leads over the most probable other one.
        late_lead: mean of these leads, in which the n-th observation weighs n cubed; 0 before any with logits.
        observations: how often the example was seen.
        last_seen: number of the last step that saw it, -1 before.
        predictions: observations that came with logits.
        forgetting: times that the example went from correct to wrong (arXiv:1812.05159).
        last_correct: 1 or 0, -1 before the first observation with logits.
        label: the given label, -1 before the first observation with logits.

    Example:
        >>> table = HardnessTable(3)
        >>> statistics = np.float32([[2.0], [0.5], [0.4], [0.2], [-1.0], [0.0], [7.0], [0.8], [-0.2]])
        >>> table.update(np.array([1]), statistics, step=0)
        Ignored(nan=0, out_of_range=0)
        >>> float(table.loss_ema[1]), int(table.label[1])
        (2.0, 7)
    """

    loss_ema: np.ndarray
    loss_slow_ema: np.ndarray
    entropy_ema: np.ndarray
    margin_ema: np.ndarray
    error_norm_ema: np.ndarray
    probability_sum: np.ndarray
    probability_square_sum: np.ndarray
    aum_sum: np.ndarray
    early_probability_sum: np.ndarray
    lead_sum: np.ndarray
    late_lead: np.ndarray
    observations: np.ndarray
    last_seen: np.ndarray
    predictions: np.ndarray
    forgetting: np.ndarray
    last_correct: np.ndarray
    label: np.ndarray

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ConfigError(f"size must be at least 1, got {size}; pass the number of real examples")
        self.size = size
        self._memory = np.frombuffer(mmap.mmap(-1, self.bytes_per_example * size), dtype=np.int32)
        self._block = self._memory.reshape(len(_COLUMNS), size)
        self._offsets = size * np.arange(len(_COLUMNS))[:, None]
        for row, (name, dtype) in zip(self._block, _COLUMNS.items(), strict=True):
            setattr(self, name, row.view(dtype))
        self._block[_AVERAGES].view(np.float32).fill(np.nan)
        for name in ("last_seen", "last_correct", "label"):
            getattr(self, name).fill(-1)

    @property
    def bytes_per_example(self) -> int:
        """Bytes that one example takes."""
        return 4 * len(_COLUMNS)

    def update(self, index: np.ndarray | torch.Tensor, statistics: np.ndarray | torch.Tensor, step: int) -> Ignored:
        """Apply one step's feedback; an example that is in it twice counts twice, in order.

        Rows with a loss but no, or no finite, other statistics count for the loss alone.

        Args:
            index: of the examples, int64 ``(B,)``; those outside the table are counted and ignored.
            statistics: float32 ``(9, B)`` on the CPU, as :func:`~genaug_data.hardness.row_statistics` returns them;
                rows without a finite loss are counted and ignored.
            step: number of the step.
        """
        places, values = np.asarray(index), np.asarray(statistics)
        inside, finite = (places >= 0) & (places < self.size), np.isfinite(values)
        ignored, predicted = Ignored(0, 0), finite[0]
        if not (inside.all() and finite.all()):
            usable = inside & finite[0]
            ignored = Ignored(int((inside & ~usable).sum()), int((~inside).sum()))
            places, values, predicted = places[usable], values[:, usable], finite[:, usable].all(0)
        for rows in _distinct(places):
            self._apply(places[rows], values[:, rows], step, predicted[rows])
        return ignored

    def confidence(self) -> np.ndarray:
        """Return the mean probability of the given label, float64 ``(N,)``; NaN where it was never seen."""
        return self._mean(self.probability_sum)

    def variability(self) -> np.ndarray:
        """Return the standard deviation of that probability over observations (arXiv:2009.10795), float64 ``(N,)``."""
        mean = self._mean(self.probability_sum)
        variance = self._mean(self.probability_square_sum)
        with np.errstate(invalid="ignore"):
            variance -= np.square(mean, out=mean)
        # Rounding may leave a little less than nothing.
        return np.sqrt(np.maximum(variance, 0, out=variance), out=variance)

    def aum(self) -> np.ndarray:
        """Return the mean logit margin of the given label (arXiv:2001.10528), float64 ``(N,)``."""
        return self._mean(self.aum_sum)

    def early_confidence(self) -> np.ndarray:
        """Return the mean probability of the given label in its first five observations, float64 ``(N,)``."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.early_probability_sum / np.minimum(self.predictions, EARLY_PREDICTIONS)

    def lead(self) -> np.ndarray:
        """Return the mean lead of the given label over the most probable other one, float64 ``(N,)``, in [-1, 1]."""
        return self._mean(self.lead_sum)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return a copy of every column."""
        return {name: getattr(self, name).copy() for name in _COLUMNS}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Set every column to what :meth:`state_dict` returned.

        Raises:
            DataError: a column is missing or has another size; nothing was changed.
        """
        for name in _COLUMNS:
            found = np.shape(state[name]) if name in state else "none"
            if found != (self.size,):
                raise DataError(
                    f"column {name} must have shape ({self.size},), got {found}; load a state of the same dataset"
                )
        for name in _COLUMNS:
            getattr(self, name)[:] = state[name]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.size, self.state_dict())

    def _mean(self, total: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return total / self.predictions

    def _apply(self, index: np.ndarray, statistics: np.ndarray, step: int, predicted: np.ndarray) -> None:
        # The block is read in one call and written in one: calls, not bytes, are what 256 rows cost.
        block = self._block.take(index, axis=1)
        before = None if predicted.all() else block[_FROM_LOGITS:, ~predicted]
        observations, last_seen, *_, late_lead, predictions, forgetting, last_correct, label = block
        probability, lead = statistics[2], statistics[8]
        with np.errstate(invalid="ignore", over="ignore"):
            early = probability * (predictions < EARLY_PREDICTIONS)
            _average(block[_AVERAGES].view(np.float32), statistics[_AVERAGED])
            sums = block[_SUMS].view(np.float32)
            added = (probability, probability * probability, statistics[4], early, lead)
            for total, value in zip(sums, added, strict=True):
                total += value
            average = late_lead.view(np.float32)
            average += _share_of_cubes(predictions) * (lead - average)
            right = statistics[5] > 0.5
            forgetting += last_correct > right
            last_correct[:] = right
            label[:] = statistics[6]
        observations += 1
        predictions += 1
        last_seen[:] = step
        if before is not None:
            block[_FROM_LOGITS:, ~predicted] = before
        self._memory[self._offsets + index] = block


def _average(average: np.ndarray, seen: np.ndarray) -> None:
    change = seen - average
    change *= _NEWEST_WEIGHS
    change += average
    average[:] = np.where(np.isnan(average), seen, change)


def _share_of_cubes(before: np.ndarray) -> np.ndarray:
    """Return the share of the next weight among all, where the n-th is n cubed (arXiv:1212.1824)."""
    number = before.astype(np.float32) + 1
    return 4 * number / np.square(number + 1)


def _distinct(index: np.ndarray) -> Iterator[slice | np.ndarray]:
    """Yield rows such that no index is in a part twice, and its rows come in their order; one part if all differ."""
    ordered = np.sort(index)
    if not (ordered[1:] == ordered[:-1]).any():
        if len(index):
            yield slice(None)
        return
    order = np.argsort(index, kind="stable")
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    lengths = np.diff(starts, append=len(index))
    occurrence = np.empty(len(index), dtype=np.int64)
    occurrence[order] = np.arange(len(index)) - np.repeat(starts, lengths)
    for time in range(int(lengths.max())):
        yield np.flatnonzero(occurrence == time)


def _restored(size: int, state: dict[str, np.ndarray]) -> HardnessTable:
    table = HardnessTable(size)
    table.load_state_dict(state)
    return table
