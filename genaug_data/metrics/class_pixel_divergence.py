"""Class-pixel divergence: whether the classes have their share of the pixels."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch

from genaug_data.errors import DataError
from genaug_data.metrics.base import SetMetric
from genaug_data.metrics.masks import ClassPixels


class ClassPixelDivergence(SetMetric):
    """Jensen-Shannon divergence between the shares of the pixels that classes have in two sets of masks, in [0, 1].

    In bits: 0 for equal shares, 1 for sets that have no class in common. Where classes lie plays no part: for that, see
    :class:`~genaug_data.metrics.MaskFID`. The pixels of a mask are not independent; were all of one class, the bias of
    N masks of each set would be ``(C - 1) / (4 N ln 2)`` bits, and at most 0.01 from the 36 masks a class on that this
    needs.

    Args:
        classes: number of classes, whose ids are 0 to ``classes - 1``.
        ignore_index: id of pixels that belong to no class, which do not count.
        options: those of :class:`SetMetric`, but ``features``.

    Raises:
        ConfigError: as :class:`ClassPixels` and :class:`SetMetric`.

    Example:
        >>> real, synthetic = torch.tensor([[[0, 1]]] * 108), torch.tensor([[[2, 2]]] * 108)
        >>> ClassPixelDivergence(3, progress=False)(real, synthetic).value
        1.0
    """

    name: ClassVar[str] = "class-pixel divergence"
    part: ClassVar[Literal["image", "mask"]] = "mask"

    def __init__(self, classes: int, *, ignore_index: int = 255, **options: Any) -> None:
        super().__init__(ClassPixels(classes, ignore_index=ignore_index), **options)

    def needed(self, dimensions: int) -> int:
        """Return 36 for each class."""
        return 36 * dimensions

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the divergence of the sums over both sets of masks.

        Raises:
            DataError: all pixels of a set are ignored.
        """
        for counts, which in ((real, "real"), (synthetic, "synthetic")):
            if not counts.any():
                raise DataError(f"no pixel of the {len(counts)} {which} masks belongs to a class; pass annotated masks")
        one, other = (counts.sum(0) / counts.sum().clamp(min=1) for counts in (real, synthetic))
        middle = (one + other) / 2
        return float((_divergence(one, middle) + _divergence(other, middle)) / 2)


def _divergence(shares: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return the Kullback-Leibler divergence in bits; what has no share adds none."""
    present = shares > 0
    return (shares[present] * (shares[present] / others[present]).log2()).sum()
