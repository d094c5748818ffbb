"""The training set as a fit needs it: split, padded to one size, kept in memory where it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm

from genaug_data.errors import GeneratorError
from genaug_data.generators.condition import Condition, classes_in, kind_of
from genaug_data.generators.padding import pad_image, pad_target
from genaug_data.sample import Sample, Target, class_id, content_hash
from genaug_data.tasks import SampleView, resolve_task
from genaug_data.tasks.image_format import ImageFormat
from genaug_data.tasks.view import first_item

_KEPT_IN_MEMORY = 2 * 2**30
_HELD_OUT = 10
"""One of so many examples is held out."""


class UnlabelledImages(Sequence[Sample]):
    """Any dataset of images as Samples without annotation.

    Args:
        dataset: map-style; an item is a Sample, an image (PIL, uint8 or float [0, 1] tensor ``(C, H, W)``, array
            ``(H, W, C)``), a tuple that begins with one, or a dict with ``image`` or ``pixel_values``.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: Any) -> Any:
        """Return the image of item ``index`` as a Sample whose annotation is the empty caption.

        Raises:
            DataError: the item holds no image, or one whose values are out of range.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} is outside of a dataset of {len(self)}")
        item = self._dataset[index]
        if isinstance(item, tuple | list) and item:
            item = item[0]
        elif isinstance(item, dict):
            item = item.get("image", item.get("pixel_values"))
        if isinstance(item, Sample):
            return Sample(item.image, "")
        return Sample(ImageFormat.of(item).read(item), "")


def labelled_samples(dataset: Any) -> Sequence[Sample]:
    """Return a labelled dataset as Samples: as it is if it holds Samples, else as ``task="classification"`` reads it.

    Raises:
        DataError: it is empty, not map-style, or its items are not labelled images.
    """
    if isinstance(first_item(dataset), Sample):
        return dataset
    return SampleView(dataset, resolve_task("classification", dataset))


@dataclass(frozen=True)
class Examples:
    """Everything that a fit reads.

    Attributes:
        condition: what the annotations are and which classes occur.
        image_channels: of every image.
        size: ``(H, W)`` into which every image fits.
        training: indices to learn from.
        held_out: indices that decide when to stop; those of ``training`` where there are too few for a split.
        labelled: number of examples with annotation; later indices have none.
        labels: class ids of these, in order, the most probable of soft labels; all 0 where annotations are masks.
    """

    condition: Condition
    image_channels: int
    size: tuple[int, int]
    training: list[int]
    held_out: list[int]
    labelled: int
    labels: list[int]
    _sources: tuple[Sequence[Sample], Sequence[Sample]]

    @property
    def unlabelled(self) -> int:
        """Number of examples without annotation."""
        return len(self._sources[1])

    def batch(self, indices: Sequence[int], size: tuple[int, int]) -> tuple[torch.Tensor, list[Target | None]]:
        """Return images uint8 ``(B, C, *size)`` and annotations, None where there is none; padded to ``size``."""
        samples = [self._sample(index) for index in indices]
        images = torch.stack([pad_image(sample.image, size) for sample in samples])
        targets = [
            pad_target(sample, size) if index < self.labelled else None
            for index, sample in zip(indices, samples, strict=True)
        ]
        return images, targets

    def _sample(self, index: int) -> Sample:
        labelled, unlabelled = self._sources
        return labelled[index] if index < self.labelled else unlabelled[index - self.labelled]


def read_examples(
    samples: Sequence[Sample],
    unlabelled: Sequence[Sample] = (),
    *,
    ignore_index: int,
    progress: bool = True,
    beat: Callable[[], None] = lambda: None,
) -> Examples:
    """Read the training set once and return what a fit needs of it.

    A tenth is held out, chosen by a hash of the content, so that equal examples are never on both sides.

    Raises:
        GeneratorError: no examples, annotations of another kind, images that differ in channels.
    """
    reading = _Reading(ignore_index)
    with tqdm(total=len(samples) + len(unlabelled), desc="reading", unit="image", disable=not progress) as bar:
        for source, labelled in ((samples, True), (unlabelled, False)):
            for index in range(len(source)):
                reading.add(source[index], labelled=labelled)
                beat()
                bar.update()
    return reading.examples(samples, unlabelled)


class _Reading:
    """What one pass over the data gathers."""

    def __init__(self, ignore_index: int) -> None:
        self._ignore_index = ignore_index
        self._kept: tuple[list[Sample], list[Sample]] = ([], [])
        self._bytes = 0
        self._kind: Any = None
        self._channels = 0
        self._size = (0, 0)
        self._classes: set[int] = set()
        self._split: list[tuple[bool, int]] = []

    def add(self, sample: Sample, *, labelled: bool) -> None:
        channels, height, width = sample.image.shape
        if self._channels not in (0, channels):
            raise GeneratorError(
                f"all images must have the same number of channels, found {self._channels} and {channels}: "
                "convert them, for example to RGB, in the base dataset"
            )
        self._channels = channels
        if labelled:
            self._add_annotation(sample)
            self._size = (max(self._size[0], height), max(self._size[1], width))
        elif height > self._size[0] or width > self._size[1]:
            raise GeneratorError(
                f"an unlabelled image is {height}x{width}, but those of the training set are at most "
                f"{self._size[0]}x{self._size[1]}: resize the unlabelled ones to that"
            )
        self._bytes += sample.image.nbytes + getattr(sample.target, "nbytes", 0)
        if self._bytes <= _KEPT_IN_MEMORY:
            self._kept[not labelled].append(sample)

    def _add_annotation(self, sample: Sample) -> None:
        kind = kind_of(sample.target)
        if self._kind not in (None, kind):
            raise GeneratorError(f"all annotations must be of one kind, found {self._kind} and {kind}: make them alike")
        self._kind = kind
        self._classes.update(classes_in(sample.target, self._ignore_index))
        held_out = int.from_bytes(content_hash(sample)[:8], "little") % _HELD_OUT == 0
        self._split.append((held_out, class_id(sample.target) or 0))

    def examples(self, samples: Sequence[Sample], unlabelled: Sequence[Sample]) -> Examples:
        if not self._split:
            raise GeneratorError("the training set is empty, so there is nothing to learn from: check its path")
        if not self._classes:
            raise GeneratorError(
                f"every pixel of every mask is the ignore index, {self._ignore_index}, so there is nothing to learn "
                "from: check the masks or ignore_index="
            )
        # A class must not be held out whole: nobody would learn it.
        learned = Counter(label for held_out, label in self._split if not held_out)
        places = [held_out and learned[label] > 0 for held_out, label in self._split]
        training = [index for index, held_out in enumerate(places) if not held_out]
        fits = self._bytes <= _KEPT_IN_MEMORY
        return Examples(
            condition=Condition(self._kind, tuple(sorted(self._classes))),
            image_channels=self._channels,
            size=self._size,
            training=training,
            held_out=[index for index, held_out in enumerate(places) if held_out] or training,
            labelled=len(self._split),
            labels=[label for _, label in self._split],
            _sources=self._kept if fits else (samples, unlabelled),
        )
