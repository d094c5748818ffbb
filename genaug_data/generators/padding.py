"""Padding of images and masks to the size that a model takes."""

from __future__ import annotations

import torch

from genaug_data.sample import Sample, Target


def pad_image(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Pad ``(..., H, W)`` on the right and bottom to ``size`` by repeating the last column and row.

    Unlike torch's own padding it takes any dtype and pads by more than the image's own size.

    Example:
        >>> pad_image(torch.tensor([[[1, 2]]]), (2, 3)).tolist()
        [[[1, 2, 2], [1, 2, 2]]]
    """
    height, width = images.shape[-2:]
    if (height, width) == size:
        return images
    rows = torch.arange(size[0], device=images.device).clamp_(max=height - 1)
    columns = torch.arange(size[1], device=images.device).clamp_(max=width - 1)
    return images[..., rows, :][..., columns]


def pad_target(sample: Sample, size: tuple[int, int]) -> Target:
    """Return the sample's annotation; a mask is padded like its image, so that both tell the same story."""
    target = sample.target
    if isinstance(target, torch.Tensor) and target.shape == sample.image.shape[-2:]:
        return pad_image(target.as_subclass(torch.Tensor), size)
    return target
