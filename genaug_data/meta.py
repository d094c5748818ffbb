"""What rides in a batch beside the user's own structure: which row is which example, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.sample import KEY_BYTES

_ROW = np.dtype([("index", "<i8"), ("key", "u1", (KEY_BYTES,)), ("synthetic", "?"), ("held_out", "?")])


class SampleMeta:
    """Index, key and origin of every row of a batch, as one small array of 26 bytes a row.

    It crosses the queue of a DataLoader worker as one object; everything that is asked of it is a view.

    Args:
        rows: structured array ``(B,)`` as :meth:`pack` builds it.
        synthetic_weight: loss weight of a synthetic row; real rows weigh 1, those that are held out 0.

    Attributes:
        is_observed: whether feedback on this batch was taken already: it counts once.

    Example:
        >>> meta = SampleMeta.pack([3, 5], [None, b"k" * 16], synthetic_weight=0.5)
        >>> meta.index.tolist(), meta.synthetic.tolist(), meta.weight().tolist()
        ([3, 5], [False, True], [1.0, 0.5])
    """

    __slots__ = ("is_observed", "rows", "synthetic_weight")

    def __init__(self, rows: np.ndarray, synthetic_weight: float = 1.0) -> None:
        self.rows = rows
        self.synthetic_weight = synthetic_weight
        self.is_observed = False

    @classmethod
    def pack(
        cls,
        index: Sequence[int],
        keys: Sequence[bytes | None],
        synthetic_weight: float = 1.0,
        held_out: np.ndarray | None = None,
    ) -> SampleMeta:
        """Pack one batch: the parents' indices, and the key of each synthetic row (None for a real one).

        Args:
            index: of each row's example, or its variant's parent.
            keys: of the variants.
            synthetic_weight: loss weight of a synthetic row.
            held_out: who of all examples is not to be trained on, bool ``(N,)``; None for nobody.
        """
        rows = np.zeros(len(index), dtype=_ROW)
        rows["index"] = index
        for row, key in enumerate(keys):
            if key is not None:
                rows["key"][row] = np.frombuffer(key, dtype=np.uint8)
                rows["synthetic"][row] = True
        if held_out is not None:
            rows["held_out"] = held_out[rows["index"]]
        return cls(rows, synthetic_weight)

    @property
    def index(self) -> np.ndarray:
        """Index into the wrapped dataset, int64 ``(B,)``: of the example itself, or of a variant's parent."""
        return self.rows["index"]

    @property
    def synthetic(self) -> np.ndarray:
        """Whether each row is a variant, bool ``(B,)``."""
        return self.rows["synthetic"]

    @property
    def held_out(self) -> np.ndarray:
        """Whether each row is of the slice that is not trained on, bool ``(B,)``; see :class:`~genaug_data.AutoOff`."""
        return self.rows["held_out"]

    @property
    def key(self) -> np.ndarray:
        """Key of each variant, uint8 ``(B, 16)``; zeros for real rows."""
        return self.rows["key"]

    def weight(self, device: torch.device | str = "cpu") -> torch.Tensor:
        """Loss weight of each row, float32 ``(B,)`` on ``device``."""
        weight = np.where(self.synthetic, np.float32(self.synthetic_weight), np.float32(1))
        weight[self.held_out] = 0
        return torch.from_numpy(weight).to(device, non_blocking=True)

    def __len__(self) -> int:
        return len(self.rows)

    def __reduce__(self) -> tuple:
        return SampleMeta, (self.rows, self.synthetic_weight)

    def __repr__(self) -> str:
        return f"SampleMeta({len(self)} rows, {int(self.synthetic.sum())} synthetic)"
