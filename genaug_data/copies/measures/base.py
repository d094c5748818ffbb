"""The contract of a measure: a set of images is described once, then the nearest of them is found to any image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.copies.calibration import Tail


class Measure(ABC):
    """A distance between images, and the search for the least.

    Attributes:
        name: of the measure, told with each distance.
        tail: how the shares of small distances between unlike images fall.
        fallback: the measure whose threshold serves where none of the training images can be measured; None where all
            can.
    """

    name: str
    tail: Tail = "power"
    fallback: str | None = None

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


def has_bfloat16() -> bool:
    """Whether products of bfloat16 numbers are fast here; elsewhere they are emulated, and slow."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
