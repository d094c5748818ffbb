"""First weights from a private generator, as torch draws them from the global one."""

from __future__ import annotations

import math

import torch
from torch import nn


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Initialise a module's own parameters and buffers as torch does by itself; those of its children stay.

    Raises:
        TypeError: no initialisation is known for a module with parameters.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> initialise(layer, torch.Generator().manual_seed(0))
    """
    match module:
        case nn.Conv2d() | nn.Linear():
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
            if module.bias is not None:
                bound = 1 / math.sqrt(module.weight[0].numel())
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        case nn.Embedding():
            nn.init.normal_(module.weight, generator=generator)
        case nn.GroupNorm():
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        case nn.BatchNorm2d():
            module.reset_parameters()
        case _:
            if next(module.parameters(recurse=False), None) is not None:
                raise TypeError(f"no initialisation is known for {type(module).__name__}")
