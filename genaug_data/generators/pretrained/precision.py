"""Networks that work with more exact weights than they are kept with, for a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch


@contextmanager
def in_float32(networks: Iterable[torch.nn.Module]) -> Iterator[None]:
    """Widen all weights of the networks to float32; each has its own type again after it."""
    # Some networks keep a few weights in float32 that overflow otherwise, so that one type for all would not do.
    kept = [(weight, weight.dtype) for network in networks for weight in network.parameters()]
    try:
        for weight, _ in kept:
            weight.data = weight.data.float()
        yield
    finally:
        for weight, dtype in kept:
            weight.data = weight.data.to(dtype)
