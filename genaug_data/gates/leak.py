"""The gate against copies of protected images."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

from genaug_data.copies import Calibration, CopyDetector, Match, check_alpha
from genaug_data.errors import ConfigError, DataError, GenaugWarning
from genaug_data.features import Features
from genaug_data.gates.base import Gate
from genaug_data.sample import Sample, Verdict


class Leak(Gate):
    """Rejects copies of any image of the protected (validation or test) sets, altered ones too.

    A child is compared with every protected image, whatever their sizes, as is and mirrored
    (:class:`~genaug_data.copies.CopyDetector`): exactly; as a whole; as a crop, turned, or as a part of the child that
    has the protected images' own size; and in the features of a network where one is given. Each measure has a
    threshold of its own, from how near the real training images are; together they reject a share ``alpha`` of
    children by mistake. The score is that of the measure which says "copy" most clearly: its distance over twice its
    threshold, so 0 for equal images and 0.5 at the threshold, 1 at most.

    ``python -m benchmarks leak`` measures what it finds on CIFAR-10, by alteration.

    Args:
        protected: the protected sets, each a sequence of samples.
        features: a network to compare by as well, any callable from images uint8 ``(B, C, H, W)`` to floats
            ``(B, D)``: :class:`~genaug_data.features.TorchScriptFeatures` of SSCD, for instance.
        alpha: expected share of false rejects, in (0, 0.05].
        calibration_images: training images to measure, evenly spaced, at most.

    Attributes:
        calibrations: of each measure by name, the threshold and where it comes from; empty before :meth:`prepare`.

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
        self,
        protected: Sequence[Sequence[Sample]],
        *,
        features: Features | None = None,
        alpha: float = 1e-3,
        calibration_images: int = 10_000,
    ) -> None:
        check_alpha(alpha)
        if not isinstance(calibration_images, int) or calibration_images < 1:
            raise ConfigError(f"calibration_images must be a whole number from 1 on, got {calibration_images!r}")
        self.protected = _check_protected(protected)
        self.features = features
        self.alpha = alpha
        self.calibration_images = calibration_images
        self._detector: CopyDetector | None = None

    @property
    def detector(self) -> CopyDetector:
        """What finds the copies.

        Raises:
            ConfigError: the gate is not prepared.
        """
        if self._detector is None:
            raise ConfigError("the leak gate is not prepared; call prepare(train) before judge")
        return self._detector

    @property
    def calibrations(self) -> Mapping[str, Calibration]:
        """Of each measure by name, the threshold and where it comes from; empty before :meth:`prepare`."""
        return {} if self._detector is None else self._detector.calibrations

    @property
    def fingerprint(self) -> str:
        """Settings, thresholds, and every protected image."""
        detector = "" if self._detector is None else self._detector.fingerprint
        return f"genaug_data.gates.Leak({self.alpha}, {detector})"

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Read the protected sets once, and set the thresholds from the training images.

        Raises:
            DataError: the training set is empty, or no protected image is other than constant.
        """
        detector = CopyDetector(self.protected, features=self.features, progress=progress, beat=beat)
        detector.calibrate(train, alpha=self.alpha, images=self.calibration_images, progress=progress, beat=beat)
        self._detector = detector
        for name, calibration in detector.calibrations.items():
            if calibration.is_blind:
                warnings.warn(
                    f"the leak gate finds no altered copies by {name}: {calibration.near} of the {calibration.images} "
                    "training images that set its threshold are nearly equal to protected ones; leave them out of one "
                    "of the two sets",
                    GenaugWarning,
                    stacklevel=2,
                )

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child by the protected image that it is most like."""
        return [self._assess(match) for match in self.detector.nearest([child.image for child in children])]

    def _assess(self, match: Match) -> Verdict:
        nearest = f"protected[{match.dataset}][{match.item}]"
        details: dict[str, int | float | str] = {
            "nearest": nearest,
            "measure": match.measure,
            "distance": round(match.distance, 6),
        }
        if not match.is_copy:
            return self.verdict(match.score, threshold=0.5, details=details)
        return self.verdict(
            match.score,
            f"the image is too near to {nearest}: {match.measure} distance {match.distance:.4f}, more than "
            f"{match.threshold:.4f} is needed (expected share of false rejects {self.alpha:g})",
            threshold=0.5,
            details=details,
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
