"""The audit: every synthetic image against all protected and all training images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from genaug_data.copies import Calibration, CopyDetector, Match, check_alpha
from genaug_data.errors import ConfigError, DataError
from genaug_data.features import Features
from genaug_data.sample import Sample

_READ = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """A synthetic image and the real one that it is most like.

    Args:
        index: of the synthetic image.
        match: with the real one: of the protected sets, or of the training set.
    """

    index: int
    match: Match


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found; the clearest first in each list.

    Args:
        images: synthetic images that were compared.
        unreadable: index and reason of those that could not be read.
        copies: those that count as copies of protected images.
        nearest: all others, the nearest 20 of them.
        memorised: those that count as copies of a training image other than their parent; empty without ``train``.
        authentic: share of synthetic images that are further from their nearest training image than that is from its
            own nearest neighbour (arXiv:2102.08921, by whole images); None without ``train``.
        alpha: the share of images expected to be taken for copies by mistake.
        calibrations: threshold of each measure against the protected sets.
        train_calibrations: likewise against the training set; empty without ``train``.
    """

    images: int
    unreadable: tuple[tuple[int, str], ...]
    copies: tuple[Finding, ...]
    nearest: tuple[Finding, ...]
    memorised: tuple[Finding, ...]
    authentic: float | None
    alpha: float
    calibrations: dict[str, Calibration]
    train_calibrations: dict[str, Calibration]

    @property
    def blind(self) -> tuple[str, ...]:
        """Names of the measures by which altered copies of protected images are not found."""
        return tuple(name for name, one in self.calibrations.items() if one.is_blind)

    @property
    def expected_by_mistake(self) -> float:
        """How many of the images would be taken for copies of protected ones if none were."""
        return self.alpha * self.images


def audit(
    synthetic: Sequence[Sample],
    protected: Sequence[Sequence[Sample]],
    *,
    train: Sequence[Sample] | None = None,
    parents: Sequence[int] | None = None,
    features: Features | None = None,
    alpha: float = 1e-3,
    progress: bool = True,
) -> Audit:
    """Compare synthetic images, made by anyone, with protected and training images.

    What counts as a copy of a protected image follows from how near real training images come to the protected ones;
    without ``train``, from how near protected images come to each other. What counts as a memorised training image
    follows from how near training images come to each other, and the synthetic image must besides be nearer than the
    training image's own nearest neighbour, since common motifs have near neighbours that copied nothing.

    Args:
        synthetic: the images to audit; see :func:`~genaug_data.audit.open_images`.
        protected: validation or test sets.
        train: the training set of the generator.
        parents: for each synthetic image the index of the training image that it was made from, which it may be like.
        features: a network to compare by as well.
        alpha: expected share of images taken for copies by mistake, in (0, 0.05].
        progress: whether to show bars.

    Raises:
        ConfigError: ``alpha`` is out of range, no protected set was given, or ``parents`` came without ``train`` or in
            another number.
        DataError: a protected or training image cannot be read, or a set is empty.

    Example:
        >>> images = torch.rand(60, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(255)
        >>> images = torch.nn.functional.interpolate(images, (32, 32), mode="bicubic").clamp(0, 255).byte()
        >>> test, train, new = [[Sample(image, 0) for image in part] for part in images.split(20)]
        >>> found = audit([*new, test[3]], [test], train=train, progress=False)
        >>> [(finding.index, finding.match.item) for finding in found.copies]
        [(20, 3)]
    """
    check_alpha(alpha)
    if not protected or any(len(samples) == 0 for samples in protected):
        raise ConfigError(f"each of the {len(protected)} protected sets must hold images; pass at least one such set")
    if parents is not None and (train is None or len(parents) != len(synthetic)):
        raise ConfigError(
            f"parents tells of {len(parents)} images and there are {len(synthetic)}; pass one index of train for each"
        )
    guard = CopyDetector(protected, features=features, progress=progress)
    if train is None:
        guard.calibrate_within(protected, alpha=alpha, progress=progress)
    else:
        guard.calibrate(train, alpha=alpha, progress=progress)
    memory = None
    if train is not None:
        detector = CopyDetector([train], features=features, title="indexing training set", progress=progress)
        detector.calibrate_within([train], alpha=alpha, progress=progress)
        memory = _Memory(detector, train)
    unreadable: list[tuple[int, str]] = []
    leaks: list[Finding] = []
    memorised: list[Finding] = []
    authentic: list[bool] = []
    for places, images in _read(synthetic, unreadable, progress):
        leaks += map(Finding, places, guard.nearest(images))
        if memory is not None:
            own = None if parents is None else memory.detector.rows(0, [parents[place] for place in places])
            found, is_authentic = memory.judge(images, own)
            memorised += [Finding(place, match) for place, match in zip(places, found, strict=True) if match]
            authentic += is_authentic
    leaks.sort(key=lambda finding: finding.match.score)
    return Audit(
        images=len(leaks),
        unreadable=tuple(unreadable),
        copies=tuple(finding for finding in leaks if finding.match.is_copy),
        nearest=tuple(finding for finding in leaks if not finding.match.is_copy)[:20],
        memorised=tuple(sorted(memorised, key=lambda finding: finding.match.score)),
        authentic=float(np.mean(authentic)) if authentic else None,
        alpha=alpha,
        calibrations=guard.calibrations,
        train_calibrations={} if memory is None else memory.detector.calibrations,
    )


def _read(
    synthetic: Sequence[Sample], unreadable: list[tuple[int, str]], progress: bool
) -> Iterator[tuple[list[int], list[torch.Tensor]]]:
    """Yield readable images in groups; note the others."""
    from tqdm.auto import tqdm

    with tqdm(total=len(synthetic), desc="auditing", unit="image", delay=2, disable=not progress) as bar:
        for start in range(0, len(synthetic), _READ):
            places: list[int] = []
            images: list[torch.Tensor] = []
            for place in range(start, min(start + _READ, len(synthetic))):
                found = _image(synthetic, place)
                if isinstance(found, str):
                    unreadable.append((place, found))
                else:
                    images.append(found)
                    places.append(place)
            if places:
                yield places, images
            bar.update(min(_READ, len(synthetic) - start))


def _image(synthetic: Sequence[Sample], place: int) -> torch.Tensor | str:
    """Return an image, or why it cannot be read."""
    try:
        return synthetic[place].image
    except DataError as error:
        return str(error)


class _Memory:
    """What a training set is compared by, and how far its images are from each other, each worked out once."""

    def __init__(self, detector: CopyDetector, train: Sequence[Sample]) -> None:
        self.detector = detector
        self._train = train
        self._own: dict[int, dict[str, float]] = {}

    def judge(self, images: Sequence[torch.Tensor], own: np.ndarray | None) -> tuple[list[Match | None], list[bool]]:
        """Return for each image the training image that it repeats, if it does, and whether it is authentic."""
        found = self.detector.distances(images, own)
        nearest = self.detector.matches(found)
        # How far the neighbours are from their own: of the whole for authenticity, of the clearest measure for copies.
        distances, rows = found["whole"]
        items = [self.detector.origin(int(row))[1] for row in rows]
        its_own = self._nearest_of([*items, *(match.item for match in nearest if match.is_copy)])
        authentic = [bool(near > its_own[item]["whole"]) for near, item in zip(distances, items, strict=True)]
        repeated = [
            match if match.is_copy and match.distance < its_own[match.item][match.measure] else None
            for match in nearest
        ]
        return repeated, authentic

    def _nearest_of(self, items: Sequence[int]) -> dict[int, dict[str, float]]:
        """Return how far training images are from their nearest others, by measure."""
        new = sorted(set(items) - self._own.keys())
        found = self.detector.distances([self._train[item].image for item in new], self.detector.rows(0, new))
        for place, item in enumerate(new):
            self._own[item] = {name: float(distances[place]) for name, (distances, _) in found.items()}
        return self._own
