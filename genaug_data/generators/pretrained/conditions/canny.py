"""The edges of a parent."""

from __future__ import annotations

import torch

from genaug_data.errors import ConfigError
from genaug_data.generators.padding import pad_image
from genaug_data.sample import Sample


class Canny:
    """White edges on black, by Canny's detector as Kornia has it (Canny 1986): the shape stays, all else is free.

    Args:
        low: gradient from which a pixel that touches an edge belongs to it, in [0, 1).
        high: gradient from which a pixel is an edge by itself, in (0, 1].

    Raises:
        ConfigError: not ``0 <= low < high <= 1``.

    Example:
        >>> image = torch.zeros(1, 8, 8, dtype=torch.uint8)
        >>> image[:, :, 4:] = 255
        >>> edges = Canny().image(Sample(image, 0))
        >>> edges.shape, sorted(edges.unique().tolist())
        (torch.Size([3, 8, 8]), [0.0, 1.0])
    """

    def __init__(self, low: float = 0.1, high: float = 0.2) -> None:
        if not 0 <= low < high <= 1:
            raise ConfigError(
                f"low and high must keep 0 <= low < high <= 1, got {low} and {high}; 0.1 and 0.2 are usual"
            )
        self._low = low
        self._high = high

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"Canny({self._low}, {self._high})"

    def image(self, parent: Sample) -> torch.Tensor:
        """Return the edges, three times the same channel."""
        from kornia.filters import canny

        colours = parent.image[:3] if parent.image.shape[0] >= 3 else parent.image[:1]
        grey = colours.float().mean(0, keepdim=True).div(255)
        height, width = grey.shape[-2:]
        # The detector mirrors two pixels at each side, so that there must be a third.
        enough = pad_image(grey, (max(3, height), max(3, width)))
        edges = canny(enough[None], low_threshold=self._low, high_threshold=self._high)[1][0]
        return edges[:, :height, :width].expand(3, -1, -1)
