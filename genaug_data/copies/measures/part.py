"""The distance of an image of the set to the part of a larger image that is most like it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.copies.calibration import Tail
from genaug_data.copies.geometry import tiles
from genaug_data.copies.measures.base import Measure
from genaug_data.copies.measures.registered import Registered, by_shape


class Part(Measure):
    """What :class:`Registered` is of whole images, of tiles that have the known images' own size.

    A measure of its own: among many tiles something comes near by chance, so that its threshold is lower, and would
    let crops of whole images pass. The distance is 1 where an image is not larger than the known ones.

    Args:
        registered: whose index is searched; it is told of new images, not this.

    Example:
        >>> noise = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(255)
        >>> images = torch.nn.functional.interpolate(noise, (32, 32), mode="bicubic").clamp(0, 255).byte()
        >>> larger = torch.zeros(3, 64, 64, dtype=torch.uint8)
        >>> larger[:, 20:52, 4:36] = images[3]
        >>> registered = Registered()
        >>> registered.add(list(images))
        >>> distances, rows = Part(registered).nearest([larger, images[0]])
        >>> int(rows[0]), bool(distances[0] < 0.05), float(distances[1])
        (3, True, 1.0)
    """

    name = "part"
    tail: Tail = "log_normal"
    fallback = "registered"

    def __init__(self, registered: Registered) -> None:
        self._index = registered.index

    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Do nothing: the images are in the index already."""

    def nearest(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find candidates among all images of the set, and register each."""

        def search(
            group: Sequence[torch.Tensor], shape: tuple[int, int], left_out: np.ndarray | None
        ) -> tuple[torch.Tensor, torch.Tensor] | None:
            height, width = self._index.typical
            frames = tiles(height / shape[0], width / shape[1])
            return self._index.as_part(group, left_out, frames) if frames else None

        return by_shape(images, exclude, search)
