"""The gate against copies of protected images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from genaug_data.copies.calibration import Calibration, calibrate
from genaug_data.errors import ConfigError, DataError
from genaug_data.gates.base import Gate
from genaug_data.gates.protected_index import ProtectedIndex, evenly_spaced, read_images
from genaug_data.sample import Sample, Verdict


class Leak(Gate):
    """Rejects near-duplicates of any image of the protected (validation or test) sets.

    A child is compared as is and mirrored with every protected image, whatever their sizes: exactly, and by a
    perceptual distance in [0, 1] from 16x16 grey images and 64-bit hashes of the cosine transform
    (:func:`genaug_data.copies.perceptual.describe`). The score is the distance of the nearest. The threshold comes
    from how near the real training images are (:func:`genaug_data.copies.calibration.calibrate`) and rejects a share
    ``alpha`` of children by mistake.

    Measured on CIFAR-10 with 10,000 protected test images: every copy, also brightened or darkened by 10 %, as JPEG of
    quality 30, blurred, with noise of 10 grey levels or mirrored, is rejected, and 0.7 % of real training images:
    nearly all of these are the natural near-duplicates that the two splits of CIFAR-10 share.

    Args:
        protected: the protected sets, each a sequence of samples.
        alpha: expected share of false rejects, in (0, 0.05].
        calibration_images: training images to measure, evenly spaced, at most.

    Attributes:
        calibration: the threshold and where it comes from; None before :meth:`prepare`.

    Raises:
        ConfigError: ``protected`` is no list of datasets or holds none, or ``alpha`` or ``calibration_images`` is out
            of range.
        DataError: a protected set is empty.

    Example:
        >>> import torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> noise = torch.randint(0, 256, (30, 1, 16, 16), dtype=torch.uint8, generator=generator)
        >>> test, train = [[Sample(image, 0) for image in images] for images in noise.split(15)]
        >>> gate = Leak([test])
        >>> gate.prepare(train, progress=False)
        >>> [verdict.accepted for verdict in gate.judge(train[:2], [train[1], test[1]])]
        [True, False]
    """

    name = "leak"
    cost = 4.0

    def __init__(
        self, protected: Sequence[Sequence[Sample]], *, alpha: float = 1e-3, calibration_images: int = 10_000
    ) -> None:
        if not 0 < alpha <= 0.05:
            raise ConfigError(f"alpha must lie in (0, 0.05], got {alpha}; it is the expected share of false rejects")
        if calibration_images < 1:
            raise ConfigError(f"calibration_images must be at least 1, got {calibration_images}")
        self.protected = _check_protected(protected)
        self.alpha = alpha
        self.calibration_images = calibration_images
        self.calibration: Calibration | None = None
        self._index: ProtectedIndex | None = None

    @property
    def fingerprint(self) -> str:
        """Settings, threshold, and every protected image."""
        index = "" if self._index is None else self._index.digest
        return f"genaug_data.gates.Leak({self.alpha}, {self.calibration}, {index})"

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Read the protected sets once, and set the threshold from the training images.

        Raises:
            DataError: the training set is empty, or no protected image is other than constant.
        """
        if len(train) == 0:
            raise DataError("the training set is empty; the leak gate needs training images to set its threshold")
        index = ProtectedIndex(self.protected, progress=progress, beat=beat)
        rows = evenly_spaced(len(train), self.calibration_images)
        chunks = read_images(train, rows, "calibrating the leak gate", progress, beat)
        distances = [index.nearest([image for _, image in chunk]).distance for chunk in chunks]
        self.calibration = calibrate(np.concatenate(distances), self.alpha)
        self._index = index

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child by its nearest protected image."""
        if self._index is None or self.calibration is None:
            raise ConfigError("the leak gate is not prepared; call prepare(train) before judge")
        nearest = self._index.nearest([child.image for child in children])
        return [
            self._assess(float(distance), f"protected[{dataset}][{item}]", self.calibration)
            for distance, dataset, item in zip(*nearest, strict=True)
        ]

    def _assess(self, distance: float, nearest: str, calibration: Calibration) -> Verdict:
        if distance > calibration.threshold:
            return self.verdict(distance)
        return self.verdict(
            distance,
            f"the image is too near to {nearest}: perceptual distance {distance:.4f}, more than "
            f"{calibration.threshold:.4f} is needed (expected share of false rejects {calibration.alpha:g})",
        )


def _check_protected(protected: Sequence[Sequence[Sample]]) -> tuple[Sequence[Sample], ...]:
    if len(protected) == 0:
        raise ConfigError("protected is empty; pass at least one dataset, or do without the leak gate")
    if not hasattr(protected[0], "__len__") or not hasattr(protected[0], "__getitem__"):
        raise ConfigError(
            f"protected must be a list of datasets, got a {type(protected).__name__} of {type(protected[0]).__name__}; "
            "write protected=[dataset]"
        )
    for number, samples in enumerate(protected):
        if len(samples) == 0:
            raise DataError(f"protected[{number}] is empty; leave it out, or check how it was made")
    return tuple(protected)
