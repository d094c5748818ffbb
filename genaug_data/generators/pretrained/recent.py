"""Tensors that were worked out lately, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch

Tensors: TypeAlias = dict[str, torch.Tensor]


class Recent:
    """Keeps the latest results of a slow function, by key.

    Args:
        most_bytes: that are kept from one call to the next.

    Example:
        >>> recent = Recent(1 << 20)
        >>> recent.get(["a"], lambda missing: [{"x": torch.ones(1)} for _ in missing])
        [{'x': tensor([1.])}]
        >>> len(recent)
        1
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[str | bytes, Tensors] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(
        self, keys: Sequence[str | bytes], work_out: Callable[[Sequence[str | bytes]], Sequence[Tensors]]
    ) -> list[Tensors]:
        """Return the tensors of each key.

        Args:
            keys: may repeat.
            work_out: returns those of the keys that are not kept, each once; not called where all are.
        """
        missing = [key for key in dict.fromkeys(keys) if key not in self._kept]
        if missing:
            for key, found in zip(missing, work_out(missing), strict=True):
                self._kept[key] = found
                self._bytes += _size(found)
        answer = [self._kept[key] for key in keys]
        for key in dict.fromkeys(keys):
            self._kept.move_to_end(key)
        while self._bytes > self._most:
            self._bytes -= _size(self._kept.popitem(last=False)[1])
        return answer


def _size(tensors: Tensors) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())
