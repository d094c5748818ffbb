"""One sample as a part of a picture."""

from __future__ import annotations

from PIL import Image

from genaug_data.sample import Sample

TARGET_HEIGHT = 64
"""Screen pixels that an image is about as high as, where nobody says otherwise."""


def tile(sample: Sample, scale: int) -> Image.Image:
    """Return the image of a sample in RGB, each pixel ``scale`` pixels wide and high.

    Example:
        >>> import torch
        >>> tile(Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), scale=4).size
        (32, 32)
    """
    image = sample.image.expand(3, -1, -1) if sample.image.shape[0] == 1 else sample.image
    found = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    return found.resize((found.width * scale, found.height * scale), Image.Resampling.NEAREST)
