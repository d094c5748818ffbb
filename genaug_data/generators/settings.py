"""How a diffusion model is fitted, and the defaults that suit the size of the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from genaug_data.errors import ConfigError

NORM_GROUPS = 8

# Largest side, then channels per level, steps, batch size and learning rate; the last row serves all larger ones.
# On a CPU the steps are what half a minute (8x8) to half an hour (32x32) of one core allow.
_ON_CPU = (
    (12, (24, 48), 400, 64, 6e-3),
    (20, (24, 48, 64), 1_000, 32, 3e-3),
    (32, (24, 48, 96), 2_000, 32, 3e-3),
    (64, (24, 48, 64, 96), 3_000, 16, 3e-3),
)
_ON_GPU = (
    (12, (32, 64), 2_000, 128, 2e-3),
    (20, (48, 96, 128), 4_000, 128, 1e-3),
    (32, (64, 128, 192), 10_000, 128, 5e-4),
    (64, (64, 128, 192, 256), 20_000, 64, 3e-4),
    (128, (64, 96, 128, 192, 256), 30_000, 32, 2e-4),
)


@dataclass(frozen=True, slots=True)
class FitSettings:
    """What decides the result of a fit, apart from the data; None is filled in by :meth:`sized`.

    Args:
        max_steps: optimiser steps, at most; early stopping may end before.
        batch_size: examples per step.
        channels: of each level of the network; each level halves the image.
        learning_rate: at its peak, after the warm-up.
        condition_dropout: share of examples that are learned without their annotation, which is what makes
            guidance possible.
        patience: evaluations without improvement on the held-out examples after which the fit ends.
        seed: of every random draw of the fit.
        mixed_precision: ``"auto"`` is bf16 on a GPU that has it, otherwise ``"no"``.
    """

    max_steps: int | None = None
    batch_size: int | None = None
    channels: tuple[int, ...] | None = None
    learning_rate: float | None = None
    condition_dropout: float = 0.1
    patience: int = 5
    seed: int = 0
    mixed_precision: Literal["auto", "no", "bf16"] = "auto"

    def __post_init__(self) -> None:
        for name in ("max_steps", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}; leave it out for its default")
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}; 1e-3 is usual")
        if not 0 < self.condition_dropout < 1:
            raise ConfigError(
                f"condition_dropout must lie between 0 and 1, got {self.condition_dropout}: guidance needs examples "
                "with their annotation and some without; 0.1 is usual"
            )
        if self.channels is not None and (not self.channels or any(width % NORM_GROUPS for width in self.channels)):
            raise ConfigError(
                f"channels must be multiples of {NORM_GROUPS}, one number per level, got {self.channels}; "
                "(24, 48) suits 8x8 images"
            )
        if self.mixed_precision not in ("auto", "no", "bf16"):
            raise ConfigError(f'mixed_precision must be "auto", "no" or "bf16", got {self.mixed_precision!r}')

    def sized(self, size: tuple[int, int], *, on_gpu: bool = False) -> FitSettings:
        """Return these settings with what was left open filled in for images of ``(H, W)`` and the device's means.

        Example:
            >>> FitSettings(max_steps=50).sized((8, 8)).channels
            (24, 48)
        """
        table = _ON_GPU if on_gpu else _ON_CPU
        _, *found = next((row for row in table if max(size) <= row[0]), table[-1])
        defaults: Mapping[str, Any] = dict(
            zip(("channels", "max_steps", "batch_size", "learning_rate"), found, strict=True)
        )
        return replace(self, **{name: value for name, value in defaults.items() if getattr(self, name) is None})
