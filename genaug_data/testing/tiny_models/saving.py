"""How a tiny model gets its weights, and how it gets to the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from genaug_data.generators.pretrained.quiet import quiet


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw weights from ``seed`` for a while; torch's own state of random numbers is as before then."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def save(model: Any, folder: str | Path) -> Path:
    """Write a pipeline or network of diffusers without progress bars, and return its folder."""
    with quiet():
        model.save_pretrained(folder)
    return Path(folder)
