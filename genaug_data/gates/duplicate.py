"""The gate against children that exist already."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genaug_data.copies.perceptual import SIDE, thumbnails
from genaug_data.errors import ConfigError
from genaug_data.gates.base import Gate
from genaug_data.sample import Sample, Verdict


class Duplicate(Gate):
    """Rejects children that are equal or nearly equal to another one, of this batch or in the cache.

    Children are compared as grey thumbnails of 16x16 bytes, of which the last ``capacity`` are remembered. The score
    is the root mean square difference from the nearest, values in [0, 1] (1 without another). It must exceed
    ``tolerance``, or a twentieth of the thumbnail's contrast (standard deviation) where that is less.

    Args:
        tolerance: root mean square difference in [0, 1]; 0.005 is 1.3 grey levels.
        capacity: remembered children, 256 bytes each; the oldest are forgotten first.

    Raises:
        ConfigError: ``capacity`` is less than 1.

    Example:
        >>> ramp = Sample(torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16), 0)
        >>> [verdict.reason for verdict in Duplicate().judge([ramp, ramp], [ramp, ramp])][1]
        'the image differs from child 0 of its batch by 0.0000 (root mean square), more than 0.0050 is needed'
    """

    name = "duplicate"
    cost = 3.0

    def __init__(self, tolerance: float = 0.005, capacity: int = 32_768) -> None:
        if capacity < 1:
            raise ConfigError(f"capacity must be at least 1, got {capacity}; it bounds the remembered children")
        self.tolerance = tolerance
        self.capacity = capacity
        # From the oldest to the newest.
        self._keys: list[bytes] = []
        self._memory = torch.empty(0, SIDE * SIDE, dtype=torch.uint8)

    def remember(self, keys: Sequence[bytes], children: Sequence[Sample]) -> None:
        """Keep the thumbnails of accepted children, the newest ``capacity`` of them."""
        self._keys = [*self._keys, *keys][-self.capacity :]
        self._memory = torch.cat([self._memory, _compact(children)])[-self.capacity :]

    def forget(self, keys: Sequence[bytes]) -> None:
        """Drop the thumbnails of children that have left the cache: another like them is no duplicate any more."""
        gone = set(keys)
        kept = [row for row, key in enumerate(self._keys) if key not in gone]
        if len(kept) < len(self._keys):
            self._keys = [self._keys[row] for row in kept]
            self._memory = self._memory[torch.tensor(kept, dtype=torch.int64)]

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child against the remembered ones and those before it in the batch."""
        compact = _compact(children)
        contrast = (compact.float() / 255).std(dim=1, correction=0)
        needed = (0.05 * contrast).clamp(max=self.tolerance).tolist()
        within = _differences(compact, compact).tolist()
        earlier = _differences(compact, self._memory).amin(dim=1).tolist() if len(self._memory) else None
        verdicts: list[Verdict] = []
        accepted: list[int] = []
        for i in range(len(children)):
            others = [(within[i][j], f"child {j} of its batch") for j in accepted]
            if earlier is not None:
                others.append((earlier[i], "a child that was accepted earlier"))
            difference, other = min(others, default=(1.0, ""))
            if other and difference <= needed[i]:
                problem = (
                    f"the image differs from {other} by {difference:.4f} (root mean square), "
                    f"more than {needed[i]:.4f} is needed"
                )
                verdicts.append(self.verdict(difference, problem, threshold=needed[i]))
            else:
                verdicts.append(self.verdict(difference, threshold=needed[i]))
                accepted.append(i)
        return verdicts


def _compact(children: Sequence[Sample]) -> torch.Tensor:
    small = thumbnails([child.image for child in children])
    return (small * 255).round().to(torch.uint8).flatten(1)


def _differences(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    # Sums of products of bytes stay below 2**24 and are exact in float32, so equal thumbnails differ by exactly 0.
    a, b = a.float(), b.float()
    squares = a.square().sum(dim=1, keepdim=True) + b.square().sum(dim=1) - 2 * a @ b.T
    return (squares.clamp(min=0) / a.shape[1]).sqrt() / 255
