"""What arithmetic allows: the operations that an image takes, over those that the device does in a second."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode


def operations(call: Callable[[], object], images: int) -> float:
    """Return the floating-point operations of matrix products and convolutions that an image takes in ``call``."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / images


def matrix_rate(device: torch.device, dtype: torch.dtype, side: int = 8192, seconds: float = 2.0) -> float:
    """Return the operations a second of a product of two large square matrices, the best of some runs.

    Args:
        device: whose rate.
        dtype: of the matrices.
        side: of the matrices; smaller on a CPU, which is slower.
        seconds: to go on for, about.
    """
    if device.type == "cpu":
        side = min(side, 1024)
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        synchronise(device)
        started = time.perf_counter()
        for _ in range(4):
            left @ right
        synchronise(device)
        best = min(best, (time.perf_counter() - started) / 4)
    return 2 * side**3 / best


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was told to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
