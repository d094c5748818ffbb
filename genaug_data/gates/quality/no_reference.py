"""The gate on image quality that needs nothing to compare with."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from genaug_data.errors import ConfigError
from genaug_data.features import name_of
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.base import ScoreGate
from genaug_data.gates.quality.share import Share
from genaug_data.sample import Sample


class NoReferenceQuality(ScoreGate):
    """Rejects children of low image quality, as a model of human judgement sees it.

    :class:`~genaug_data.gates.quality.ClipIqa` is one (arXiv:2207.12396); MUSIQ (arXiv:2108.05997), NIQE and others
    come in as a callable. The score is the quality scaled from ``worst`` to ``best``, and cut off at 0 and 1.

    Args:
        quality: from uint8 images ``(B, C, H, W)`` to one number an image, picklable; called with one image.
        threshold: score that is needed, or the share to keep.
        worst: value of ``quality`` that becomes 0.
        best: value that becomes 1: 100 for MUSIQ, say; below ``worst`` where less is better.

    Raises:
        ConfigError: ``worst`` is ``best``, or a threshold outside of [0, 1].

    Example:
        >>> gate = NoReferenceQuality(lambda images: images.float().mean((1, 2, 3)), 0.5, worst=255, best=0)
        >>> white = Sample(torch.full((1, 2, 2), 255, dtype=torch.uint8), 0)
        >>> gate.judge([white], [white])[0].reason
        'image quality is 0.0000, at least 0.5000 is needed'
    """

    name = "no_reference_quality"
    cost = 6.0
    what = "image quality"

    def __init__(
        self,
        quality: Callable[[torch.Tensor], torch.Tensor],
        threshold: float | Share = thresholds.QUALITY_KEEP,
        *,
        worst: float = 0.0,
        best: float = 1.0,
    ) -> None:
        if worst == best or not math.isfinite(best - worst):
            raise ConfigError(f"worst and best must be two different numbers, got {worst} and {best}")
        super().__init__(threshold)
        self.worst = worst
        self.best = best
        self._quality = quality

    @property
    def parts(self) -> str:
        """The model of quality."""
        return name_of(self._quality)

    def score(self, parent: Sample, child: Sample) -> float:
        """Return the scaled quality of a child."""
        with torch.no_grad():
            found = torch.as_tensor(self._quality(child.image.unsqueeze(0)))
        if found.numel() != 1 or not found.isfinite().all():
            raise ConfigError(
                f"a quality must be one finite number an image, got {found.tolist()} for one image; check the callable"
            )
        return max(0.0, min((float(found) - self.worst) / (self.best - self.worst), 1.0))
