"""The contract of a metric of two sets, with all the checking, and what it returns."""

from __future__ import annotations

import math
import statistics
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from genaug_data.errors import ConfigError, DataError, SampleSizeWarning
from genaug_data.features import Features
from genaug_data.metrics.reading import read_features
from genaug_data.seeding import derive, permutation

# The cube of a product of two, which KID takes, is a finite number still.
_LARGEST = 1e40


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number computed from samples, and how far it may be off.

    Args:
        value: the number.
        std: its standard deviation; NaN if it was not asked for, or the samples are too few to tell.
        real: number of real samples; 0 where none play a part.
        synthetic: number of synthetic samples.

    Example:
        >>> print(Estimate(12.3456, 0.21, 5000, 5000))
        12.35 ± 0.21
    """

    value: float
    std: float
    real: int
    synthetic: int

    def __str__(self) -> str:
        return f"{self.value:.4g}" if math.isnan(self.std) else f"{self.value:.4g} ± {self.std:.2g}"


class SetMetric(ABC):
    """Compares a synthetic set with a real one in the features of their samples; a member writes :meth:`measure`.

    The standard deviation is that over random halves of both sets, drawn without replacement (the delete-d jackknife
    with half of the samples, Shao and Wu 1989), not a bootstrap: samples that are drawn twice are neighbours at
    distance 0. It tells how much the number would move with other samples of the same two sources, not its bias.

    Args:
        features: from uint8 images ``(N, C, H, W)`` to floats ``(N, D)``, such as
            :class:`~genaug_data.features.Pixels` or :func:`~genaug_data.gates.fit_features` returns; None if only
            features are passed. A number means something beside another one of the same features alone.
        batch_size: samples in memory at a time; of all samples only the features are kept.
        resamples: pairs of halves for the standard deviation; 0 leaves it out.
        seed: of every draw.
        progress: whether reading shows a bar.

    Raises:
        ConfigError: ``batch_size`` is below 1, or ``resamples`` is 1 or negative.

    Attributes:
        name: of the metric.
        part: of a sample that is looked at, ``"image"`` or ``"mask"``.
        least: samples of each set without which there is no number at all.

    Example:
        >>> class MeanShift(SetMetric):
        ...     name = "mean_shift"
        ...
        ...     def measure(self, real, synthetic):
        ...         return float((real.mean(0) - synthetic.mean(0)).norm())
        >>> MeanShift()(torch.zeros(8, 2), torch.ones(8, 2)).value
        1.4142135623730951
    """

    name: ClassVar[str]
    part: ClassVar[Literal["image", "mask"]] = "image"
    least: int = 2

    def __init__(
        self,
        features: Features | None = None,
        *,
        batch_size: int = 64,
        resamples: int = 10,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}; 64 is the default")
        if resamples < 0 or resamples == 1:
            raise ConfigError(f"resamples must be 0, for no standard deviation, or at least 2, got {resamples}")
        self.features = features
        self.batch_size = batch_size
        self.resamples = resamples
        self.seed = seed
        self.progress = progress

    @abstractmethod
    def measure(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        """Return the number for features float64 ``(N, D)`` and ``(M, D)``; they are checked already."""

    def needed(self, dimensions: int) -> int:
        """Return how many samples of each set the number needs to mean something, in features of ``dimensions``."""
        return self.least

    def estimate(self, real: torch.Tensor, synthetic: torch.Tensor) -> tuple[float, float]:
        """Return the number and its standard deviation, of features as in :meth:`measure`."""
        return self.measure(real, synthetic), self._deviation(real, synthetic)

    def __call__(self, real: Any, synthetic: Any) -> Estimate:
        """Compare two sets.

        Args:
            real: a sequence of Samples, any map-style dataset of the user, a tensor of images, uint8
                ``(N, C, H, W)``, or of masks, integers ``(N, H, W)``, whichever the metric looks at; or features,
                float ``(N, D)``, read by :func:`~genaug_data.metrics.read_features` once for many metrics.
            synthetic: likewise; of another length if need be.

        Returns:
            The number with its standard deviation.

        Raises:
            DataError: a set cannot be read or has too few samples, features are none, not finite or beyond 1e40, or
                differ in ``D``.
            ConfigError: samples are passed without ``features``, or these return something else than floats ``(N, D)``.

        Warns:
            SampleSizeWarning: a set has fewer samples than :meth:`needed`.
        """
        ours, theirs = self._read(real), self._read(synthetic)
        if ours.shape[1] != theirs.shape[1]:
            raise DataError(
                f"the features of the two sets must have one width, found {ours.shape[1]} and {theirs.shape[1]}: "
                "pass sets that are read by the same features"
            )
        largest = max(float(part.abs().max()) if part.numel() else 0.0 for part in (ours, theirs))
        if ours.shape[1] == 0 or largest > _LARGEST:
            raise DataError(
                f"the features must be at least one number a sample, at most {_LARGEST:g} in size, found "
                f"{ours.shape[1]} of up to {largest:g}: scale them, or pass others"
            )
        smallest = min(len(ours), len(theirs))
        if smallest < self.least:
            raise DataError(f"{self.name} needs at least {self.least} samples of each set, found {smallest}; pass more")
        needed = self.needed(ours.shape[1])
        if smallest < needed:
            warnings.warn(
                f"{self.name} of {len(ours):,} real and {len(theirs):,} synthetic samples means little: in features of "
                f"{ours.shape[1]:,} dimensions it needs {needed:,} of each",
                SampleSizeWarning,
                stacklevel=2,
            )
        value, std = self.estimate(ours, theirs)
        return Estimate(value, std, len(ours), len(theirs))

    def _read(self, samples: Any) -> torch.Tensor:
        return read_features(
            samples, self.features, part=self.part, batch_size=self.batch_size, progress=self.progress
        ).double()

    def _deviation(self, real: torch.Tensor, synthetic: torch.Tensor) -> float:
        if not self.resamples or min(len(real), len(synthetic)) // 2 < self.least:
            return math.nan
        return statistics.stdev(
            self.measure(self._half(real, "real", draw), self._half(synthetic, "synthetic", draw))
            for draw in range(self.resamples)
        )

    def _half(self, points: torch.Tensor, role: str, draw: int) -> torch.Tensor:
        order = permutation(derive(self.seed, "half", role, draw), len(points))
        return points[torch.from_numpy(order[: len(points) // 2])]
