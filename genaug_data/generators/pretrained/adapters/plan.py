"""How an adapter is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from genaug_data.errors import ConfigError


@dataclass(frozen=True, slots=True)
class FitPlan:
    """What decides the result of a fit, apart from the adapter's own settings and the data.

    Args:
        steps: optimiser steps.
        learning_rate: at its peak, after the warm-up.
        batch_size: images per step.
        size: longer side in pixels that images are resized to; None leaves them as the generator will meet them.
        seed: of every random draw of the fit.
        mixed_precision: ``"auto"`` is bf16 on a GPU that has it, otherwise ``"no"``.
        checkpoint_every: steps between two checkpoints, from which an interrupted fit goes on; decides no result.
        devices: each of which gets a process and its part of every batch; none is the generator's own device. They
            decide no more than how sums are rounded, so a fit is found again, and gone on with, on other ones.

    Raises:
        ConfigError: a value that cannot work.

    Example:
        >>> FitPlan(100, 1e-4, size=64) == FitPlan(100, 1e-4, size=64, checkpoint_every=5)
        True
    """

    steps: int
    learning_rate: float
    batch_size: int = 4
    size: int | None = None
    seed: int = 0
    mixed_precision: Literal["auto", "no", "bf16"] = "auto"
    checkpoint_every: int = field(default=50, compare=False, repr=False)
    devices: Sequence[str] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "size", "checkpoint_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}; leave it out for its default")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}; leave it out for its default")
        if self.mixed_precision not in ("auto", "no", "bf16"):
            raise ConfigError(f'mixed_precision must be "auto", "no" or "bf16", got {self.mixed_precision!r}')
        object.__setattr__(self, "devices", _checked(self.devices))
        if len(self.devices) > self.batch_size:
            raise ConfigError(
                f"batch_size must be at least the number of devices, {len(self.devices)}, got {self.batch_size}; "
                "raise it, or name fewer"
            )


def _checked(devices: Sequence[str]) -> tuple[str, ...]:
    if isinstance(devices, str) or not isinstance(devices, Sequence):
        raise ConfigError(f'devices must be a list, got {devices!r}; pass ["cuda:0", "cuda:1"] for example')
    try:
        found = [torch.device(device) for device in devices]
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"devices must be names of devices, got {list(devices)}: {error}") from error
    names, kinds = tuple(str(device) for device in found), {device.type for device in found}
    if len(names) > 1 and kinds not in ({"cpu"}, {"cuda"}):
        raise ConfigError(f"several devices must be all CPUs or all GPUs, got {names}; leave out those of one kind")
    if len(names) > 1 and kinds == {"cuda"} and ("cuda" in names or len(set(names)) < len(names)):
        raise ConfigError(f'each GPU of devices must be named once, by its number, got {names}; pass "cuda:0" and on')
    return names
