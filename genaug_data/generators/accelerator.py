"""Accelerate sessions of our own: inside a process that may have one already, and across processes that we started."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator

Precision = Literal["auto", "no", "bf16"]

_OF_A_LAUNCHER = {
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_NAME",
    "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "FORK_LAUNCHED", "MPI_LOCALRANKID", "MPI_LOCALNRANKS",
}  # fmt: skip
_OF_LAUNCHERS = ("ACCELERATE_", "TORCHELASTIC_", "OMPI_COMM_WORLD_", "PMI_", "MV2_COMM_WORLD_")


@contextmanager
def own_accelerator(device: torch.device, mixed_precision: Precision) -> Iterator[Accelerator]:
    """Yield an ``Accelerator`` for one process and one device, and leave no trace of it.

    Accelerate keeps its state for the whole process and reads the launcher's environment: without care, a fit inside a
    training run would join, or wait for, the ranks of that run, or fix the precision of the user's own Accelerator.

    Args:
        device: CPU or a CUDA device.
        mixed_precision: ``"auto"`` is bf16 where the device is a GPU that has it.
    """
    from accelerate import Accelerator

    on_gpu = device.type == "cuda"
    with ExitStack() as stack:
        stack.enter_context(_fresh_state())
        if on_gpu:
            stack.enter_context(torch.cuda.device(device))
        with _without_launcher():
            accelerator = Accelerator(mixed_precision=_known(mixed_precision, device), cpu=not on_gpu)
        yield accelerator


def joined_accelerator(
    device: torch.device, mixed_precision: Precision, rank: int, ranks: int, meeting: Path
) -> Accelerator:
    """Return an ``Accelerator`` that joins this process, which must be one of our own, to others on this machine.

    Args:
        device: of this process: CPU, joined by gloo, or a CUDA device with its number, joined by nccl.
        mixed_precision: as of :func:`own_accelerator`.
        rank: number of this process, from 0.
        ranks: how many there are.
        meeting: a path that all of them are given, and nobody else, of no file yet.
    """
    from accelerate import Accelerator

    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.set_device(device)
    store = torch.distributed.FileStore(str(meeting), ranks)
    torch.distributed.init_process_group("nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=ranks)
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks}
    with _without_launcher():
        os.environ.update({name: str(value) for name, value in place.items()}, ACCELERATE_TORCH_DEVICE=str(device))
        return Accelerator(mixed_precision=_known(mixed_precision, device), cpu=not on_gpu)


def without_launcher(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment less what a launcher of processes has told this one.

    Example:
        >>> without_launcher({"RANK": "1", "ACCELERATE_USE_CPU": "1", "HOME": "/root"})
        {'HOME': '/root'}
    """
    return {name: value for name, value in environment.items() if not _is_of_a_launcher(name)}


def _is_of_a_launcher(name: str) -> bool:
    return name in _OF_A_LAUNCHER or name.startswith(_OF_LAUNCHERS)


def _known(mixed_precision: Precision, device: torch.device) -> str:
    if mixed_precision != "auto":
        return mixed_precision
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "no"


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
    saved = {name: value for name, value in os.environ.items() if _is_of_a_launcher(name)}
    _forget_launcher()
    try:
        yield
    finally:
        _forget_launcher()
        os.environ.update(saved)


def _forget_launcher() -> None:
    for name in list(os.environ):
        if _is_of_a_launcher(name):
            del os.environ[name]
