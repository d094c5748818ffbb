"""Small sound parts that the checks work with: samples, and a generator that needs no time."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator


def some_samples(count: int = 12) -> list[Sample]:
    """Return grey samples of 8x8 pixels in three classes, all different.

    Example:
        >>> len(some_samples(4))
        4
    """
    draw = torch_generator(11)
    return [
        Sample(torch.randint(0, 200, (1, 8, 8), dtype=torch.uint8, generator=draw), place % 3) for place in range(count)
    ]


def some_requests(*parents: int, seed: int = 0) -> list[Request]:
    """Return the first request for each of ``parents``."""
    return [Request(parent, 0, Recipe(0.5), 100 + seed + parent, 1.0) for parent in parents]


@dataclass
class Speckled:
    """A sound generator: the parent with noise that the request's seed decides.

    Args:
        refused: parents of which it cannot make variants.
    """

    fingerprint: str = "speckled"
    refused: tuple[int, ...] = ()

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        """Return one variant per parent.

        Raises:
            ValueError: a parent is one of those refused.
        """
        for request in requests:
            if request.parent in self.refused:
                raise ValueError(f"no variant of {request.parent}")
        return [_speckled(parent, request.seed) for parent, request in zip(parents, requests, strict=True)]


def _speckled(parent: Sample, seed: int) -> Sample:
    noise = torch.randint(10, 50, parent.image.shape, dtype=torch.uint8, generator=torch_generator(seed))
    return Sample(parent.image + noise, parent.target)
