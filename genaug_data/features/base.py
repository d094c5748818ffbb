"""What features are, and what tells those of one network from those of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from genaug_data.tensor_file import digest_of

Features = Callable[[torch.Tensor], torch.Tensor]
"""From uint8 images ``(B, C, H, W)`` to floats ``(B, D)``."""


def name_of(features: Features) -> str:
    """Return what tells features apart: their fingerprint, the hash of a module's weights, or the name of a function.

    Example:
        >>> name_of(nn.Flatten())[:10]
        'Flatten/ca'
    """
    fingerprint: Any = getattr(features, "fingerprint", None)
    if isinstance(fingerprint, str):
        return fingerprint
    if isinstance(features, nn.Module):
        weights = {name: value.detach().cpu() for name, value in features.state_dict().items()}
        return f"{type(features).__qualname__}/{digest_of(weights)}"
    return str(getattr(features, "__qualname__", type(features).__qualname__))
