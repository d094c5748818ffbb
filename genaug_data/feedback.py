"""What a training step says of its rows, on its way from the step to the hardness table and the trial ledger."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch

from genaug_data.errors import DataError
from genaug_data.hardness import HardnessTable, TrialLedger, check_feedback, row_statistics
from genaug_data.meta import SampleMeta

_LONGEST_QUEUE = 256


@dataclass(frozen=True, slots=True)
class Observation:
    """One step's feedback, not yet applied: tensors that no later step writes to."""

    meta: SampleMeta
    step: int
    statistics: torch.Tensor | None
    inputs: tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None] | None
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
    """

    rows: int = 0
    not_finite: int = 0
    out_of_range: int = 0
    unknown: int = 0
    late: int = 0


class Feedback:
    """Takes feedback on the training thread in microseconds and applies it on another.

    On a GPU the rows' statistics are computed and copied asynchronously, and nothing waits for them there. On the CPU
    the inputs are copied, so that the caller may overwrite them, and the statistics are left to :meth:`apply`.

    Args:
        table: receives what real rows say.
        ledger: receives what synthetic rows say; never the parent's entry in the table.
        ignore_index: label of pixels or rows that do not count, or None.
    """

    def __init__(self, table: HardnessTable, ledger: TrialLedger, ignore_index: int | None = None) -> None:
        self.table = table
        self.ledger = ledger
        self.counts = FeedbackCounts()
        self._ignore_index = ignore_index
        self._queue: deque[Observation] = deque()
        self._step = 0

    def put(
        self, meta: SampleMeta, loss: torch.Tensor, logits: torch.Tensor | None, target: torch.Tensor | None
    ) -> None:
        """Take one step's feedback.

        Raises:
            DataError: the loss is not one value a row, or the rows of the arguments differ.
        """
        if not isinstance(meta, SampleMeta):
            raise DataError(
                f"meta must be the SampleMeta of the batch, got {type(meta).__name__}; see return_meta=True"
            )
        check_feedback(loss, logits, target, rows=len(meta))
        self._step += 1
        if len(self._queue) >= _LONGEST_QUEUE:
            self.counts.late += 1
            return
        self._queue.append(self._observation(meta, loss, logits, target))

    def apply(self) -> int:
        """Apply everything that was put so far, in order, and return the number of steps."""
        # What comes in meanwhile waits for the next call: a fast training loop must not keep this one going for ever.
        seen = [self._queue.popleft() for _ in range(len(self._queue))]
        for observation in seen:
            self._apply(observation)
        return len(seen)

    @torch.no_grad()
    def _observation(
        self, meta: SampleMeta, loss: torch.Tensor, logits: torch.Tensor | None, target: torch.Tensor | None
    ) -> Observation:
        if loss.device.type != "cuda":
            copies = tuple(None if value is None else value.detach().clone() for value in (loss, logits, target))
            return Observation(meta, self._step, None, copies, None)  # type: ignore[arg-type]
        statistics = row_statistics(loss, logits, target, self._ignore_index).to("cpu", non_blocking=True)
        copied = torch.cuda.Event()
        copied.record(torch.cuda.current_stream(loss.device))
        return Observation(meta, self._step, statistics, None, copied)

    @torch.no_grad()
    def _apply(self, seen: Observation) -> None:
        if seen.copied is not None:
            seen.copied.synchronize()
        statistics = seen.statistics
        if statistics is None:
            assert seen.inputs is not None
            statistics = row_statistics(*seen.inputs, self._ignore_index).cpu()
        rows = statistics.numpy()
        synthetic = seen.meta.synthetic
        ignored = self.table.update(seen.meta.index[~synthetic], rows[:, ~synthetic], seen.step)
        on_trial = self.ledger.update(seen.meta.key[synthetic], np.ascontiguousarray(rows[:, synthetic]))
        self.counts.rows += len(synthetic)
        self.counts.not_finite += ignored.nan + on_trial.nan
        self.counts.out_of_range += ignored.out_of_range
        self.counts.unknown += on_trial.unknown
