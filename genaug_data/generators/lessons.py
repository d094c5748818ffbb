"""What a fit is given at each step, whatever it learns: clean images and their encoded condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from genaug_data.generators.condition import Condition
from genaug_data.generators.examples import Examples

_LARGEST_UNLABELLED_SHARE = 0.5


class Lessons(Protocol):
    """What a fit learns from.

    Attributes:
        condition: the way from what is known of an image to what the network is given.
        image_channels: of every image.
        size: ``(H, W)`` to which every image is padded.
        held_out: number of examples that decide when to stop.
    """

    @property
    def condition(self) -> Condition:
        """The way from what is known of an image to what the network is given."""
        ...

    @property
    def image_channels(self) -> int:
        """Channels of every image."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """``(H, W)`` to which every image is padded."""
        ...

    @property
    def held_out(self) -> int:
        """Number of examples that decide when to stop."""
        ...

    def draw(self, count: int, generator: torch.Generator, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return images, float32 ``(B, C, H, W)`` in [-1, 1], and their condition, drawn from ``generator`` alone."""
        ...

    def examine(self, start: int, stop: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the same of the held-out examples ``start`` to ``stop``, always alike."""
        ...


class AnnotatedLessons:
    """Images whose condition is their annotation; unlabelled ones have the null condition.

    Args:
        examples: what to learn from.
        size: to which images are padded.
    """

    def __init__(self, examples: Examples, size: tuple[int, int]) -> None:
        self.condition = examples.condition
        self.image_channels = examples.image_channels
        self.size = size
        self.held_out = len(examples.held_out)
        self._examples = examples

    def draw(self, count: int, generator: torch.Generator, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``count`` examples, at most half of them unlabelled."""
        training, examples = self._examples.training, self._examples
        indices = [training[place] for place in torch.randint(len(training), (count,), generator=generator).tolist()]
        if examples.unlabelled:
            share = examples.unlabelled / (examples.unlabelled + len(training))
            other = torch.rand(count, generator=generator) < min(share, _LARGEST_UNLABELLED_SHARE)
            drawn = torch.randint(examples.unlabelled, (count,), generator=generator).tolist()
            for place in other.nonzero().flatten().tolist():
                indices[place] = examples.labelled + drawn[place]
        return self._load(indices, device)

    def examine(self, start: int, stop: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return held-out examples."""
        return self._load(self._examples.held_out[start:stop], device)

    def _load(self, indices: Sequence[int], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        images, targets = self._examples.batch(indices, self.size)
        return as_signal(images, device), self.condition.encode(targets, self.size).to(device)


def as_signal(images: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return uint8 images ``(B, C, H, W)`` as the network takes them: float32 in [-1, 1], channels last."""
    return images.to(device).float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)
