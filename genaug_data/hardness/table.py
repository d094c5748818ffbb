"""What training has said of every example so far: O(1) numbers an example, from the training step's own logits."""

from __future__ import annotations

import mmap
from typing import NamedTuple

import numpy as np

from genaug_data.errors import DataError

_EMA_WEIGHT = np.float32(0.3)
_COLUMNS = (
    ("loss_ema", np.float32),
    ("entropy_ema", np.float32),
    ("margin_ema", np.float32),
    ("probability_sum", np.float32),
    ("probability_square_sum", np.float32),
    ("aum_sum", np.float32),
    ("predictions", np.int32),
    ("forgetting", np.int32),
    ("last_correct", np.int32),
    ("observations", np.int32),
    ("last_seen", np.int32),
    ("label", np.int32),
)
_STARTS_UNKNOWN = ("loss_ema", "entropy_ema", "margin_ema")


class Ignored(NamedTuple):
    """Rows of an update that could not be used."""

    nan: int
    out_of_range: int


class HardnessTable:
    """Flat columns ``(N,)`` in shared memory, one number an example each.

    The memory is anonymous and shared with forked children: it needs no room in ``/dev/shm`` and leaves nothing behind.

    Attributes:
        loss_ema: exponential moving average of the loss (the newest weighs 0.3); NaN before the first observation.
        entropy_ema: the same of the normalised entropy.
        margin_ema: the same of the margin between the two most probable classes.
        probability_sum: sum over observations of the probability of the given label.
        probability_square_sum: sum of its squares.
        aum_sum: sum of the logit margins of the given label.
        predictions: observations that came with logits.
        forgetting: times that the example went from correct to wrong (arXiv:1812.05159).
        last_correct: 1 or 0, -1 before the first observation with logits.
        observations: steps that the example was seen in.
        last_seen: number of the last one, -1 before.
        label: the given label, -1 before the first observation with logits.

    Example:
        >>> table = HardnessTable(3)
        >>> table.update(np.array([1]), np.array([[2.0], [0.5], [0.4], [0.2], [-1.0], [0.0], [7.0]], dtype=np.float32), 0)
        Ignored(nan=0, out_of_range=0)
        >>> float(table.loss_ema[1]), int(table.label[1])
        (2.0, 7)
    """

    loss_ema: np.ndarray
    entropy_ema: np.ndarray
    margin_ema: np.ndarray
    probability_sum: np.ndarray
    probability_square_sum: np.ndarray
    aum_sum: np.ndarray
    predictions: np.ndarray
    forgetting: np.ndarray
    last_correct: np.ndarray
    observations: np.ndarray
    last_seen: np.ndarray
    label: np.ndarray

    def __init__(self, size: int) -> None:
        self.size = size
        self._memory = mmap.mmap(-1, max(1, 4 * size * len(_COLUMNS)))
        for place, (name, dtype) in enumerate(_COLUMNS):
            setattr(self, name, np.frombuffer(self._memory, dtype=dtype, count=size, offset=4 * size * place))
        for name in _STARTS_UNKNOWN:
            getattr(self, name).fill(np.nan)
        for name in ("last_correct", "last_seen", "label"):
            getattr(self, name).fill(-1)

    @property
    def bytes_per_example(self) -> int:
        """Bytes that one example takes."""
        return 4 * len(_COLUMNS)

    def update(self, index: np.ndarray, statistics: np.ndarray, step: int) -> Ignored:
        """Apply one step's feedback; an example that is in it twice counts twice, in order.

        Args:
            index: of the examples, int64 ``(B,)``; those outside the table are counted and ignored.
            statistics: float32 ``(7, B)``, as :func:`~genaug_data.hardness.row_statistics` returns them; rows without a
                finite loss are counted and ignored.
            step: number of the step.
        """
        inside = (index >= 0) & (index < self.size)
        finite = np.isfinite(statistics[0])
        ignored = Ignored(int((inside & ~finite).sum()), int((~inside).sum()))
        rows = np.flatnonzero(inside & finite)
        while len(rows):
            _, first = np.unique(index[rows], return_index=True)
            if len(first) == len(rows):
                self._apply(index[rows], statistics[:, rows], step)
                break
            self._apply(index[rows[first]], statistics[:, rows[first]], step)
            rows = np.delete(rows, first)
        return ignored

    def confidence(self) -> np.ndarray:
        """Return the mean probability of the given label, ``(N,)``; NaN where nothing is known."""
        with np.errstate(invalid="ignore"):
            return self.probability_sum / self.predictions

    def variability(self) -> np.ndarray:
        """Return the standard deviation of that probability over observations (arXiv:2009.10795), ``(N,)``."""
        with np.errstate(invalid="ignore"):
            mean = self.probability_sum / self.predictions
            return np.sqrt(np.maximum(self.probability_square_sum / self.predictions - mean * mean, 0))

    def aum(self) -> np.ndarray:
        """Return the mean logit margin of the given label (arXiv:2001.10528), ``(N,)``."""
        with np.errstate(invalid="ignore"):
            return self.aum_sum / self.predictions

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return a copy of every column."""
        return {name: getattr(self, name).copy() for name, _ in _COLUMNS}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Set every column to what :meth:`state_dict` returned.

        Raises:
            DataError: a column is missing or has another size.
        """
        for name, _ in _COLUMNS:
            found = state[name].shape if name in state else "nothing"
            if found != (self.size,):
                raise DataError(
                    f"column {name} must have shape ({self.size},), got {found}; load the same dataset's state"
                )
        for name, _ in _COLUMNS:
            getattr(self, name)[:] = state[name]

    def _apply(self, index: np.ndarray, statistics: np.ndarray, step: int) -> None:
        loss, entropy, probability, margin, aum, correct, label = statistics
        self._average(self.loss_ema, index, loss)
        self.observations[index] += 1
        self.last_seen[index] = step
        known = np.isfinite(probability)
        if not known.all():
            index, entropy, probability, margin = index[known], entropy[known], probability[known], margin[known]
            aum, correct, label = aum[known], correct[known], label[known]
        self._average(self.entropy_ema, index, entropy)
        self._average(self.margin_ema, index, margin)
        self.probability_sum[index] += probability
        self.probability_square_sum[index] += probability * probability
        self.aum_sum[index] += aum
        self.predictions[index] += 1
        right = correct > 0.5
        self.forgetting[index] += (self.last_correct[index] == 1) & ~right
        self.last_correct[index] = right
        self.label[index] = label

    @staticmethod
    def _average(column: np.ndarray, index: np.ndarray, value: np.ndarray) -> None:
        old = column[index]
        column[index] = np.where(np.isnan(old), value, old + _EMA_WEIGHT * (value - old))
