"""The distance of two images after one was laid over the other: sees crops and turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from genaug_data.copies.calibration import Tail
from genaug_data.copies.measures.base import Measure, has_bfloat16
from genaug_data.copies.reading import places_by_shape
from genaug_data.copies.view_index import ViewIndex


class Registered(Measure):
    """One minus the correlation of two images, after crop, shift, scale and turn were undone as well as they go.

    Candidates are found and registered by a :class:`~genaug_data.copies.view_index.ViewIndex`. Without weights, and
    blind to brightness, contrast and mirroring.

    Attributes:
        index: of the set.

    Example:
        >>> noise = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(255)
        >>> images = torch.nn.functional.interpolate(noise, (32, 32), mode="bicubic").clamp(0, 255).byte()
        >>> crop = torch.nn.functional.interpolate(images[3:4, :, 4:28, 2:26], (32, 32), mode="bilinear")
        >>> measure = Registered()
        >>> measure.add(list(images))
        >>> distances, rows = measure.nearest([crop[0]])
        >>> rows.tolist(), bool(distances[0] < 0.05)
        ([3], True)
    """

    name = "registered"
    tail: Tail = "log_normal"

    def __init__(self) -> None:
        self.index = ViewIndex(torch.bfloat16 if has_bfloat16() else torch.float32)

    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Describe more images of the set."""
        self.index.add(images)

    def nearest(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find candidates among all images of the set, and register each."""
        return by_shape(images, exclude, lambda group, _, left_out: self.index.as_whole(group, left_out))


Search = Callable[
    [Sequence[torch.Tensor], tuple[int, int], np.ndarray | None], tuple[torch.Tensor, torch.Tensor] | None
]
"""From images of one shape, its height and width, and rows that do not count, to distances and rows, or to None."""


def by_shape(
    images: Sequence[torch.Tensor], exclude: np.ndarray | None, search: Search
) -> tuple[np.ndarray, np.ndarray]:
    """Search for the images of each shape together; the distance is 1 where ``search`` returns None."""
    distances = np.ones(len(images), dtype=np.float32)
    rows = np.zeros(len(images), dtype=np.int64)
    for (_, height, width), places in places_by_shape(images).items():
        left_out = None if exclude is None else exclude[places]
        found = search([images[place] for place in places], (height, width), left_out)
        if found is not None:
            distances[places], rows[places] = found[0].numpy(), found[1].numpy()
    return distances, rows
