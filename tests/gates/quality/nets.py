"""Networks whose answers can be worked out by hand, and images of a few pixels for them."""

from __future__ import annotations

import torch

from genaug_data.sample import Sample, Target


def pixels(*rows: list[int], target: Target = 0) -> Sample:
    """Return a grey sample with these rows."""
    return Sample(torch.tensor([rows], dtype=torch.uint8), target)


def as_logits(images: torch.Tensor) -> torch.Tensor:
    """Return the pixels of each image as its logits."""
    return images.flatten(1).float()


def halved(images: torch.Tensor) -> torch.Tensor:
    """Return half of the pixels of each image as its logits."""
    return as_logits(images) / 2


def dark_or_bright(images: torch.Tensor) -> torch.Tensor:
    """Return logits of two classes for every pixel: below and above 4."""
    grey = images[:, :1].float()
    return torch.cat([4 - grey, grey - 4], dim=1)


def mean_of(images: torch.Tensor) -> torch.Tensor:
    """Return the mean of each image, in 0..255."""
    return images.float().mean((1, 2, 3))
