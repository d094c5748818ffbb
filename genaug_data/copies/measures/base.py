"""The contract of a measure: a set of images is described once, then the nearest of them is found to any image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch


class Measure(ABC):
    """A distance between images, and the search for the least.

    Attributes:
        name: of the measure, told with each distance.
    """

    name: str

    @property
    def fingerprint(self) -> str:
        """What decides its distances, besides the images."""
        return self.name

    @abstractmethod
    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Describe more images of the set, uint8 ``(C, H, W)`` of any mixture of shapes; they get the next rows."""

    @abstractmethod
    def nearest(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the image of the set that is nearest to each of N images.

        Args:
            images: uint8 ``(C, H, W)``, of any mixture of shapes.
            exclude: int64 ``(N,)``, for each image a row that does not count; -1 for none.

        Returns:
            The distances, float32 ``(N,)`` in [0, 1], and the rows, int64 ``(N,)``.
        """
