"""What a training step says of its rows, on its way from the step to the hardness table and the trial ledger."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias, overload

import numpy as np
import torch

from genaug_data.auto_off import Allotment
from genaug_data.errors import DataError
from genaug_data.hardness import HardnessTable, TrialLedger, check_feedback, row_statistics
from genaug_data.meta import SampleMeta
from genaug_data.usefulness import UsefulnessMeter

_LONGEST_QUEUE = 256
_MOST_BYTES = 1 << 28
_SPARE = 4
_KINDS = 12


_Inputs: TypeAlias = tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]


@dataclass(frozen=True, slots=True)
class Observation:
    """One step's feedback, not yet applied: tensors that no later step writes to."""

    meta: SampleMeta
    step: int
    statistics: torch.Tensor | None
    inputs: _Inputs | None
    copied: torch.cuda.Event | None


@dataclass(slots=True)
class FeedbackCounts:
    """How much feedback came and how much of it could not be used.

    Args:
        rows: rows observed.
        not_finite: rows with NaN or infinite values.
        out_of_range: rows whose index is not in the dataset.
        unknown: synthetic rows whose variant is gone.
        late: steps whose feedback was dropped because the background thread was behind.
        repeated: batches that were observed before.
    """

    rows: int = 0
    not_finite: int = 0
    out_of_range: int = 0
    unknown: int = 0
    late: int = 0
    repeated: int = 0


class Feedback:
    """Takes feedback on the training thread in microseconds and applies it on another.

    On a GPU the rows' statistics are computed and copied asynchronously, and nothing waits for them there. On the CPU
    the inputs are copied, so that the caller may overwrite them, and the statistics are left to :meth:`apply`.

    Args:
        table: receives what real rows say.
        ledger: receives what synthetic rows say; never the parent's entry in the table.
        ignore_index: label of pixels or rows that do not count, or None.
        meter: receives what all rows say; None for none.
        soft_labels: whether labels are soft.

    Attributes:
        step: number of the last step.
    """

    def __init__(
        self,
        table: HardnessTable,
        ledger: TrialLedger,
        ignore_index: int | None = None,
        meter: UsefulnessMeter | None = None,
        soft_labels: bool = False,
    ) -> None:
        self.table = table
        self.ledger = ledger
        self.meter = meter
        self.counts = FeedbackCounts()
        self._ignore_index = ignore_index
        self._soft_labels = soft_labels
        self._queue: deque[Observation] = deque()
        self._copies = _Copies()
        self.step = 0
        self._waiting_bytes = 0

    def put(
        self, meta: SampleMeta, loss: torch.Tensor, logits: torch.Tensor | None, target: torch.Tensor | None
    ) -> bool:
        """Take one step's feedback, and return whether it is the first on its batch.

        Raises:
            DataError: the loss is not one value a row, or the rows of the arguments differ.
        """
        if not isinstance(meta, SampleMeta):
            raise DataError(
                f"meta must be the SampleMeta of the batch, got {type(meta).__name__}; see return_meta=True"
            )
        check_feedback(loss, logits, target, rows=len(meta), soft_labels=self._soft_labels)
        if meta.is_observed:
            # A closure that is evaluated twice a step, say: the example was seen once.
            self.counts.repeated += 1
            return False
        meta.is_observed = True
        self.step += 1
        size = sum(value.nbytes for value in (loss, logits, target) if value is not None)
        if len(self._queue) >= _LONGEST_QUEUE or (self._queue and self._waiting_bytes + size > _MOST_BYTES):
            self.counts.late += 1
            return True
        self._queue.append(self._observation(meta, loss, logits, target))
        self._waiting_bytes += size
        return True

    def allot(self) -> Allotment | None:
        """Return who may be shown now; None for everybody."""
        return None if self.meter is None else self.meter.allot(self.table.label)

    def apply(self) -> int:
        """Apply everything that was put so far, in order, and return the number of steps."""
        # What comes in meanwhile waits for the next call: a fast training loop must not keep this one going for ever.
        seen = [self._queue.popleft() for _ in range(len(self._queue))]
        self._waiting_bytes = 0
        for observation in seen:
            self._apply(observation)
        return len(seen)

    @torch.no_grad()
    def _observation(
        self, meta: SampleMeta, loss: torch.Tensor, logits: torch.Tensor | None, target: torch.Tensor | None
    ) -> Observation:
        if loss.device.type != "cuda":
            inputs = (self._copies.take(loss), self._copies.take(logits), self._copies.take(target))
            return Observation(meta, self.step, None, inputs, None)
        statistics = row_statistics(loss, logits, target, self._ignore_index).to("cpu", non_blocking=True)
        copied = torch.cuda.Event()
        copied.record(torch.cuda.current_stream(loss.device))
        return Observation(meta, self.step, statistics, None, copied)

    @torch.no_grad()
    def _apply(self, seen: Observation) -> None:
        if seen.copied is not None:
            seen.copied.synchronize()
        statistics = seen.statistics
        if statistics is None:
            assert seen.inputs is not None
            statistics = row_statistics(*seen.inputs, self._ignore_index).cpu()
            self._copies.give_back(seen.inputs)
        rows = statistics.numpy()
        synthetic = seen.meta.synthetic
        ignored = self.table.update(seen.meta.index[~synthetic], rows[:, ~synthetic], seen.step)
        on_trial = self.ledger.update(seen.meta.key[synthetic], np.ascontiguousarray(rows[:, synthetic]))
        if self.meter is not None:
            index = seen.meta.index
            known = (index >= 0) & (index < self.table.size)
            self.meter.update(index[known], synthetic[known], self.table.label[index[known]], rows[0, known])
        self.counts.rows += len(synthetic)
        self.counts.not_finite += ignored.nan + on_trial.nan
        self.counts.out_of_range += ignored.out_of_range
        self.counts.unknown += on_trial.unknown


class _Copies:
    """Copies tensors into memory that earlier copies have left: fresh memory costs more than the copy itself."""

    def __init__(self) -> None:
        self._spare: dict[tuple, deque[torch.Tensor]] = {}

    @overload
    def take(self, value: torch.Tensor) -> torch.Tensor: ...

    @overload
    def take(self, value: None) -> None: ...

    def take(self, value: torch.Tensor | None) -> torch.Tensor | None:
        """Return a copy of ``value``."""
        if value is None:
            return None
        value = value.detach()
        try:
            return self._spare[_kind(value)].popleft().copy_(value)
        except (KeyError, IndexError):
            return value.clone()

    def give_back(self, copies: _Inputs) -> None:
        """Take back the memory of copies that nobody needs any more."""
        for copy in copies:
            if copy is None or copy.is_inference():
                # What was copied in inference mode cannot be written to outside of it.
                continue
            kind = _kind(copy)
            if kind not in self._spare and len(self._spare) >= _KINDS:
                self._spare.clear()
            self._spare.setdefault(kind, deque(maxlen=_SPARE)).append(copy)


def _kind(value: torch.Tensor) -> tuple:
    return value.shape, value.dtype, value.device
