"""How a tiny model gets its weights, and how it gets to the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw weights from ``seed`` for a while; torch's own state of random numbers is as before then."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def save(model: Any, folder: str | Path) -> Path:
    """Write a pipeline or network of diffusers without progress bars, and return its folder."""
    from diffusers.utils import logging
    from transformers.utils import logging as of_parts

    logging.disable_progress_bar()
    of_parts.disable_progress_bar()
    model.save_pretrained(folder)
    return Path(folder)
