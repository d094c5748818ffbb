"""Running code that draws from torch's global generators as a pure function of a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def isolated_draws(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed torch's global generators inside, and leave them exactly as they were outside.

    Kornia takes no generator, so this is the one place where a global one is used. ``torch.manual_seed`` is avoided: it
    also leaves a seed behind for CUDA devices that are not in use yet.

    Args:
        seed: as :func:`genaug_data.seeding.derive` returns it.
        device: also isolate the generator of this device, if it is a CUDA device.

    Example:
        >>> before = torch.get_rng_state()
        >>> with isolated_draws(1):
        ...     first = torch.rand(2)
        >>> with isolated_draws(1):
        ...     second = torch.rand(2)
        >>> bool((first == second).all() and (before == torch.get_rng_state()).all())
        True
    """
    devices = [] if device is None or device.type != "cuda" else [device]
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for used in devices:
            index = torch.cuda.current_device() if used.index is None else used.index
            torch.cuda.default_generators[index].manual_seed(seed)
        yield
