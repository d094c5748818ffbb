"""Mask FID: how far the masks of one set are from those of another."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch

from genaug_data.errors import DataError
from genaug_data.features import Features
from genaug_data.metrics.base import SetMetric
from genaug_data.metrics.fid import frechet_distance
from genaug_data.metrics.masks import MaskLayout


class MaskFID(SetMetric):
    """Fréchet distance between generated and natural *masks*, at least 0: it needs no auxiliary predictor.

    For generators that draw the annotation, or move it. The masks are described by
    :class:`~genaug_data.metrics.MaskLayout`, so that no network has a say: it sees classes that are missing, too
    frequent, in the wrong place, speckled or smoothed, but not whether the image agrees with its mask. The bias is that
    of :class:`FID`, about ``D / 2N`` of the total variance, which is 5 % for the ten samples a dimension that this
    needs: a mask has few dimensions, so that 2,048 samples are neither needed nor always enough.

    Args:
        classes: number of classes, whose ids are 0 to ``classes - 1``.
        features: of masks, int64 ``(N, H, W)``; None for ``MaskLayout(classes, ignore_index=ignore_index)``, or
            ``Rendered(network)`` to have drawings of masks seen by features of images.
        ignore_index: id of pixels that belong to no class.
        options: those of :class:`SetMetric`.

    Raises:
        ConfigError: as :class:`MaskLayout` and :class:`SetMetric`.

    Example:
        >>> upper, lower = torch.zeros(2, 340, 8, 8, dtype=torch.int64)
        >>> upper[:, :4] = lower[:, 4:] = 1
        >>> distance = MaskFID(2, progress=False)
        >>> distance(upper, upper).value, distance(upper, lower).value
        (0.0, 32.0)
    """

    name: ClassVar[str] = "mask FID"
    part: ClassVar[Literal["image", "mask"]] = "mask"

    def __init__(
        self, classes: int, *, features: Features | None = None, ignore_index: int = 255, **options: Any
    ) -> None:
        super().__init__(features or MaskLayout(classes, ignore_index=ignore_index), **options)

    def needed(self, dimensions: int) -> int:
        """Return ten for each dimension."""
        return 10 * dimensions

    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the distance of the Gaussians of both sets of masks.

        Raises:
            DataError: all features of a set are 0, as those of masks are whose pixels are all ignored.
        """
        for features, which in ((real, "real"), (synthetic, "synthetic")):
            if not features.any():
                raise DataError(
                    f"no pixel of the {len(features)} {which} masks belongs to a class; pass annotated masks"
                )
        return frechet_distance(real, synthetic)
