"""Which image of a set another one is a copy of, by several measures that are blind to different alterations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from genaug_data.copies.calibration import Calibration, calibrate
from genaug_data.copies.measures import Embedded, Measure, Part, Registered, Whole
from genaug_data.copies.reading import evenly_spaced, image_hash, is_constant, read_images
from genaug_data.errors import ConfigError, DataError
from genaug_data.features import Features
from genaug_data.sample import Sample


@dataclass(frozen=True, slots=True)
class Match:
    """The image of the sets that another one is most like, by the measure that says so most clearly.

    Args:
        measure: ``"whole"``, ``"registered"``, ``"part"`` or ``"embedded"``.
        distance: in [0, 1], 0 for equal images.
        threshold: at this distance or nearer, it counts as a copy.
        dataset: which of the sets.
        item: which image of that set.
    """

    measure: str
    distance: float
    threshold: float
    dataset: int
    item: int

    @property
    def is_copy(self) -> bool:
        """Whether the distance is at the threshold or nearer."""
        return self.distance <= self.threshold

    @property
    def score(self) -> float:
        """The distance in units of twice the threshold: 0 for equal images, 0.5 at the threshold, 1 from there on."""
        return min(1.0, self.distance / (2 * self.threshold))


class CopyDetector:
    """Describes sets of images once, and finds the nearest of them to any image.

    Exactly equal images are found by hashes; altered ones by :class:`~genaug_data.copies.measures.Whole`,
    :class:`~genaug_data.copies.measures.Registered` and :class:`~genaug_data.copies.measures.Part`, which need no
    weights, and by the features of a network where one is given. Constant images are left out: they hold nothing that
    could leak. Equal images count once.

    Args:
        sets: sequences of samples; image shapes may differ.
        features: any callable from images uint8 ``(B, C, H, W)`` to floats ``(B, D)``, to be compared as well.
        title: of the progress bar.
        progress: whether to show it.
        beat: called after every chunk of reads.

    Attributes:
        calibrations: of each measure by name; empty before :meth:`calibrate`.

    Raises:
        DataError: no image is other than constant.

    Example:
        >>> images = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(255)
        >>> images = torch.nn.functional.interpolate(images, (32, 32), mode="bicubic").clamp(0, 255).byte()
        >>> test, train = [[Sample(image, 0) for image in part] for part in images.split(20)]
        >>> detector = CopyDetector([test], progress=False)
        >>> detector.calibrate(train, progress=False)
        >>> mirrored, other = detector.nearest([test[7].image.flip(2), train[0].image])
        >>> mirrored.is_copy, mirrored.item, other.is_copy
        (True, 7, False)
    """

    def __init__(
        self,
        sets: Sequence[Sequence[Sample]],
        *,
        features: Features | None = None,
        title: str = "indexing protected set",
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        registered = Registered()
        self.measures: tuple[Measure, ...] = (Whole(), registered, Part(registered))
        if features is not None:
            self.measures += (Embedded(features),)
        self.calibrations: dict[str, Calibration] = {}
        self._exact: dict[bytes, int] = {}
        origins: list[tuple[int, int]] = []
        places: list[tuple[int, int, int]] = []
        for number, samples in enumerate(sets):
            for chunk in read_images(samples, np.arange(len(samples)), f"{title} {number}", progress, beat):
                new = []
                for index, image in chunk:
                    if is_constant(image):
                        continue
                    # One that equals an earlier one has that one's row.
                    row = self._exact.setdefault(image_hash(image), len(origins))
                    places.append((number, index, row))
                    if row == len(origins):
                        origins.append((number, index))
                        new.append(image)
                if new:
                    for measure in self.measures:
                        measure.add(new)
        if not origins:
            raise DataError("every protected image is constant; pass sets of real images as protected")
        self._origins = np.array(origins)
        self._places = np.array(places)

    def __len__(self) -> int:
        return len(self._origins)

    @property
    def fingerprint(self) -> str:
        """What decides its matches: every image, the measures and their thresholds."""
        digest = hashlib.blake2b(b"".join(sorted(self._exact)), digest_size=16).hexdigest()
        return f"{digest}, {[measure.fingerprint for measure in self.measures]}, {self.calibrations}"

    def calibrate(
        self,
        train: Sequence[Sample],
        *,
        alpha: float = 1e-3,
        images: int = 10_000,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        """Set the thresholds from how near real training images come to the sets.

        Each measure that compares any of the images gets an equal part of ``alpha``
        (:func:`~genaug_data.copies.calibration.calibrate`). Images that equal one of the sets in every value are left
        out: they are copies, and tell nothing of unlike images.

        Args:
            train: the training set.
            alpha: the expected share of images taken for copies by mistake, in (0, 0.05].
            images: training images to measure, evenly spaced, at most.
            progress: whether to show a bar.
            beat: called after every chunk of reads.

        Raises:
            DataError: the training set is empty, or all of it equals images of the sets.
        """
        if len(train) == 0:
            raise DataError(
                "the training set is empty (0 examples); pass one with images, which set the thresholds of what is a "
                "copy"
            )
        rows = evenly_spaced(len(train), images)
        chunks = read_images(train, rows, "calibrating the leak guard", progress, beat)
        self._calibrate([self.distances([image for _, image in chunk]) for chunk in chunks], alpha)

    def calibrate_within(
        self, sets: Sequence[Sequence[Sample]], *, alpha: float = 1e-3, images: int = 10_000, progress: bool = True
    ) -> None:
        """Set the thresholds from how near the images of the sets come to each other.

        Args:
            sets: those that the detector was made of.
            alpha: the expected share of images taken for copies by mistake, in (0, 0.05].
            images: to measure, evenly spaced, at most.
            progress: whether to show a bar.

        Raises:
            DataError: there are fewer than two images, or all have their equal.
        """
        if len(self) < 2:
            raise DataError(
                f"the protected sets hold {len(self)} image that is not constant, and no other one to set a threshold "
                "by; protect more images, or pass a training set"
            )
        chosen = evenly_spaced(len(self), images)
        found = []
        for number, samples in enumerate(sets):
            rows = chosen[self._origins[chosen, 0] == number]
            items = self._origins[rows, 1]
            for chunk in read_images(samples, items, "calibrating the leak guard", progress):
                places = self.rows(number, [item for item, _ in chunk])
                found.append(self.distances([image for _, image in chunk], places))
        self._calibrate(found, alpha)

    def _calibrate(self, found: Sequence[Mapping[str, tuple[np.ndarray, np.ndarray]]], alpha: float) -> None:
        by_measure = {
            measure.name: np.concatenate([chunk[measure.name][0] for chunk in found]) for measure in self.measures
        }
        # What distances() says of equal images, and no measure but by chance of others.
        are_equal = np.all([distances == 0 for distances in by_measure.values()], axis=0)
        if are_equal.all():
            raise DataError(
                f"all {len(are_equal)} images that should set the thresholds equal images that they are compared with; "
                "pass a training set that is disjoint from the protected ones"
            )
        for measure in self.measures:
            values = by_measure[measure.name][~are_equal]
            # One that does not compare all images follows from those that it does.
            by_measure[measure.name] = values if measure.fallback is None else values[values < 1]
        share = alpha / sum(len(values) > 0 for values in by_measure.values())
        self.calibrations = {}
        for measure in self.measures:
            values = by_measure[measure.name]
            self.calibrations[measure.name] = (
                calibrate(values, share, measure.tail) if len(values) else self.calibrations[str(measure.fallback)]
            )

    def distances(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return the least distance and its row (see :meth:`origin`) for each image, by each measure.

        Args:
            images: N of them, uint8 ``(C, H, W)``, of any mixture of shapes.
            exclude: int64 ``(N,)``, for each image a row that does not count; -1 for none.
        """
        equal = [self._exact.get(image_hash(image), -1) for image in images]
        found = {}
        for measure in self.measures:
            distances, rows = measure.nearest(images, exclude)
            for place, row in enumerate(equal):
                if row >= 0 and (exclude is None or exclude[place] != row):
                    distances[place], rows[place] = 0.0, row
            found[measure.name] = (distances, rows)
        return found

    def nearest(self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None) -> list[Match]:
        """Find what each image is most like, by the measure whose distance is least in units of its threshold.

        Args:
            images: N of them, uint8 ``(C, H, W)``, of any mixture of shapes.
            exclude: int64 ``(N,)``, for each image a row that does not count; -1 for none.

        Raises:
            ConfigError: :meth:`calibrate` has not been called.
        """
        if not self.calibrations:
            raise ConfigError("the copy detector has no thresholds; call calibrate(train) before nearest")
        return self.matches(self.distances(images, exclude))

    def matches(self, found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> list[Match]:
        """Return what :meth:`nearest` does, of what :meth:`distances` has found."""
        matches: list[Match] = []
        for place in range(len(found["whole"][0])):
            candidates = []
            for name, (distances, rows) in found.items():
                dataset, item = self.origin(int(rows[place]))
                threshold = self.calibrations[name].threshold
                candidates.append(Match(name, float(distances[place]), threshold, dataset, item))
            matches.append(min(candidates, key=lambda match: match.distance / match.threshold))
        return matches

    def rows(self, dataset: int, items: Sequence[int]) -> np.ndarray:
        """Return the rows of images of a set, int64; -1 for those that were left out as constant."""
        start, end = np.searchsorted(self._places[:, 0], [dataset, dataset + 1])
        _, known, rows = self._places[start:end].T
        if len(known) == 0:
            return np.full(len(items), -1)
        places = np.minimum(np.searchsorted(known, items), len(known) - 1)
        return np.where(known[places] == items, rows[places], -1)

    def origin(self, row: int) -> tuple[int, int]:
        """Return which set, and which image of it, a row is."""
        dataset, item = self._origins[row]
        return int(dataset), int(item)
