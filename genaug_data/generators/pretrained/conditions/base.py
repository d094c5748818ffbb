"""The contract of what a ControlNet is shown."""

from __future__ import annotations

from typing import Protocol

import torch

from genaug_data.sample import Sample


class Condition(Protocol):
    """Turns a parent into the image that leads a ControlNet."""

    @property
    def identity(self) -> str:
        """Name and settings: part of every variant's key."""
        ...

    def image(self, parent: Sample) -> torch.Tensor:
        """Return float ``(3, H, W)`` in [0, 1], of the parent's size; the parent alone decides it."""
        ...
