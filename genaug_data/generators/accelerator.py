"""An accelerate session of our own, inside a process that may have one already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator

_OF_A_LAUNCHER = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@contextmanager
def own_accelerator(device: torch.device, mixed_precision: Literal["auto", "no", "bf16"]) -> Iterator[Accelerator]:
    """Yield an ``Accelerator`` for one process and one device, and leave no trace of it.

    Accelerate keeps its state for the whole process and reads the launcher's environment: without care, a fit inside a
    training run would join, or wait for, the ranks of that run, or fix the precision of the user's own Accelerator.

    Args:
        device: CPU or a CUDA device.
        mixed_precision: ``"auto"`` is bf16 where the device is a GPU that has it.
    """
    from accelerate import Accelerator

    on_gpu = device.type == "cuda"
    if mixed_precision == "auto":
        mixed_precision = "bf16" if on_gpu and torch.cuda.is_bf16_supported() else "no"
    with ExitStack() as stack:
        stack.enter_context(_fresh_state())
        if on_gpu:
            stack.enter_context(torch.cuda.device(device))
        with _without_launcher():
            accelerator = Accelerator(mixed_precision=mixed_precision, cpu=not on_gpu)
        yield accelerator


@contextmanager
def _fresh_state() -> Iterator[None]:
    from accelerate.state import AcceleratorState, GradientState, PartialState

    shared = [state._shared_state for state in (PartialState, AcceleratorState, GradientState)]
    saved = [dict(state) for state in shared]
    for state in shared:
        state.clear()
    try:
        yield
    finally:
        for state, before in zip(shared, saved, strict=True):
            state.clear()
            state.update(before)


@contextmanager
def _without_launcher() -> Iterator[None]:
    names = [name for name in os.environ if name in _OF_A_LAUNCHER or name.startswith("ACCELERATE_")]
    saved = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(saved)
