"""The gate that asks CLIP of every box whether its object is in it."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from genaug_data.copies.reading import evenly_spaced
from genaug_data.errors import DataError
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.base import ScoreGate
from genaug_data.gates.quality.clip import Clip
from genaug_data.gates.quality.clip_score import TEMPLATE, prompts_of
from genaug_data.gates.quality.share import Share
from genaug_data.sample import Sample


class CropClipScore(ScoreGate):
    """Rejects children in whose boxes CLIP does not find the objects, after Fang et al. (WACV 2024).

    Each box is cut out, and its class's probability by CLIP is placed among those of real boxes of the class: the share
    of these that score no more. The score is the mean of that over the boxes; 1 for an image without boxes.

    Args:
        clip: the model, or its folder or id.
        classes: names of the classes, by class id; at least 2.
        threshold: score that is needed, or the share to keep.
        template: with ``{}`` where the name goes.
        references: real images whose boxes are looked at, at most.

    Raises:
        ConfigError: as :class:`ClipScore` does.

    Example:
        >>> import tempfile
        >>> from genaug_data.testing.tiny_models import save_clip
        >>> boxes = {"boxes": torch.tensor([[0.0, 0.0, 6.0, 6.0]]), "labels": torch.tensor([1])}
        >>> real = Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), boxes)
        >>> gate = CropClipScore(save_clip(tempfile.mkdtemp()), ["cat", "dog"], threshold=0.5)
        >>> gate.prepare([real], progress=False)
        >>> gate.judge([real], [real])[0].score
        1.0
    """

    name = "crop_clip_score"
    cost = 9.0
    what = "the place of its boxes among real ones, by CLIP,"

    def __init__(
        self,
        clip: Clip | str | Path,
        classes: Sequence[str],
        threshold: float | Share = thresholds.CROP_CLIP_KEEP,
        *,
        template: str = TEMPLATE,
        references: int = 512,
    ) -> None:
        super().__init__(threshold)
        self.prompts = prompts_of(classes, template)
        self.references = references
        self._clip = clip if isinstance(clip, Clip) else Clip(clip)
        # By class, ascending.
        self._real: dict[int, list[float]] = {}

    @property
    def parts(self) -> str:
        """The model, and how many real boxes of each class there are."""
        counts = sorted((label, len(scores), sum(scores)) for label, scores in self._real.items())
        return f"{self._clip.fingerprint}, {counts}"

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Look at real boxes, and set the thresholds.

        Raises:
            DataError: the annotations are no boxes.
            GeneratorError: the model is not on this machine.
        """
        found: dict[int, list[float]] = {}
        places = evenly_spaced(len(train), self.references).tolist()
        for place in tqdm(places, desc="looking at boxes", unit="image", delay=2, disable=not progress):
            for label, score in self._boxes(train[place]):
                found.setdefault(label, []).append(score)
            if beat is not None:
                beat()
        self._real = {label: sorted(scores) for label, scores in found.items()}
        super().prepare(train, progress=progress, beat=beat)

    def score(self, parent: Sample, child: Sample) -> float:
        """Return the mean place of a child's boxes among real ones."""
        places = [self._place(label, score) for label, score in self._boxes(child)]
        return sum(places) / len(places) if places else 1.0

    def _place(self, label: int, score: float) -> float:
        real = self._real.get(label, [])
        return bisect.bisect_right(real, score) / len(real) if real else score

    def _boxes(self, sample: Sample) -> list[tuple[int, float]]:
        """Return class and probability of each box that holds a pixel."""
        found = []
        for box, label in boxes_of(sample, len(self.prompts)):
            left, top, right, bottom = box
            crop = sample.image[:, top:bottom, left:right]
            if crop.numel():
                found.append((label, min(float(self._clip.probabilities(crop, self.prompts)[label]), 1.0)))
        return found


def boxes_of(sample: Sample, classes: int) -> list[tuple[tuple[int, int, int, int], int]]:
    """Return the boxes of a sample, whole pixels (left, top, right, bottom) within the image, with their class ids.

    Raises:
        DataError: its annotation has no boxes, or a class that is none of so many.

    Example:
        >>> boxes = {"boxes": torch.tensor([[1.5, -2.0, 3.2, 9.0]]), "labels": torch.tensor([1])}
        >>> boxes_of(Sample(torch.zeros(1, 4, 4, dtype=torch.uint8), boxes), classes=2)
        [((1, 0, 4, 4), 1)]
    """
    target = sample.target
    if not isinstance(target, Mapping) or not {"boxes", "labels"} <= set(target):
        raise DataError(
            f"the annotation is a {type(target).__name__} without boxes and labels; this gate is for detection, with "
            'targets {"boxes": (N, 4) XYXY, "labels": (N,)}'
        )
    height, width = sample.image.shape[1:]
    rows = torch.as_tensor(target["boxes"]).as_subclass(torch.Tensor).double().reshape(-1, 4)
    labels = torch.as_tensor(target["labels"]).tolist()
    strange = [label for label in labels if not 0 <= label < classes]
    if strange or len(labels) != len(rows):
        raise DataError(
            f"{len(rows)} boxes have the labels {labels}, and the gate knows {classes} classes; name all classes, by id"
        )
    low = rows[:, :2].floor().clamp(min=0).long()
    high = torch.minimum(rows[:, 2:].ceil().long(), torch.tensor([width, height]))
    return [((*begin, *end), int(label)) for begin, end, label in zip(low.tolist(), high.tolist(), labels, strict=True)]
