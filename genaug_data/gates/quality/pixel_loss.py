"""The gate that lets an image train, but not those of its pixels that are not what the mask says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch.nn import functional
from tqdm import tqdm

from genaug_data.copies.reading import evenly_spaced
from genaug_data.errors import ConfigError, DataError
from genaug_data.features import name_of
from genaug_data.gates.base import Gate
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.predictions import Predictor, logits_of, mask_of, settled
from genaug_data.sample import IGNORE_INDEX, IGNORED_PIXELS, Sample, Verdict


class PixelLoss(Gate):
    """Sets pixels of a mask to the ignore index where a network's loss is too large, as FreeMask (arXiv:2310.15160).

    Too large is more than ``factor`` times the mean loss that pixels of that class have in real images: there the
    generator did not paint what the mask says. The rest of the image trains. The score is the share of the mask's
    pixels that are left; a child of which none is left is rejected. Its provenance says how many pixels went.

    Args:
        predict: a network that was trained on real images, from uint8 images ``(B, C, H, W)`` to logits
            ``(B, classes, H, W)``, picklable.
        factor: of the class's mean loss.
        ignore_index: that of the task.
        references: real images that the mean losses are measured on, at most.

    Raises:
        ConfigError: a value outside its range.

    Example:
        >>> mask = torch.tensor([[0, 1], [1, 1]])
        >>> real = Sample((mask * 8).to(torch.uint8).unsqueeze(0), mask)
        >>> gate = PixelLoss(lambda images: torch.cat([4.0 - images, images - 4.0], dim=1))
        >>> gate.prepare([real], progress=False)
        >>> broken = Sample(torch.tensor([[[0, 8], [8, 0]]], dtype=torch.uint8), mask)
        >>> verdict = gate.judge([real], [broken])[0]
        >>> verdict.score, verdict.amended.target.tolist()
        (0.75, [[0, 1], [1, 255]])
    """

    name = "pixel_loss"
    cost = 7.5

    def __init__(
        self,
        predict: Predictor,
        *,
        factor: float = thresholds.PIXEL_LOSS_FACTOR,
        ignore_index: int = 255,
        references: int = 512,
    ) -> None:
        if not factor > 0:
            raise ConfigError(f"factor must be above 0, got {factor}; {thresholds.PIXEL_LOSS_FACTOR} is the default")
        if references < 1:
            raise ConfigError(f"references must be at least 1, got {references}; mean losses are measured on so many")
        self.factor = factor
        self.ignore_index = ignore_index
        self.references = references
        self._predict = settled(predict, self.name)
        self._limits: dict[int, float] | None = None

    @property
    def fingerprint(self) -> str:
        """Settings, network, and the loss that each class is allowed."""
        found = json.dumps(sorted((self._limits or {}).items()))
        digest = hashlib.blake2b(found.encode(), digest_size=16).hexdigest()
        return f"{super().fingerprint}[{name_of(self._predict)}, {digest}]"

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Measure the mean loss of each class on real images.

        Raises:
            DataError: the training set is empty, or its annotations are no masks.
            ConfigError: the network does not return logits of masks.
        """
        sums: dict[int, float] = {}
        counts: dict[int, int] = {}
        places = evenly_spaced(len(train), self.references).tolist()
        if not places:
            raise DataError("the training set is empty; the gate 'pixel_loss' needs examples to measure mean losses on")
        for place in tqdm(places, desc="measuring losses", unit="image", delay=2, disable=not progress):
            losses, mask = self._losses(train[place])
            for label in mask.unique().tolist():
                of_class = losses[mask == label]
                sums[label] = sums.get(label, 0.0) + float(of_class.sum())
                counts[label] = counts.get(label, 0) + of_class.numel()
            if beat is not None:
                beat()
        self._limits = {
            label: self.factor * total / counts[label] for label, total in sums.items() if label != self.ignore_index
        }

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child by its pixels."""
        if self._limits is None:
            raise ConfigError("the gate 'pixel_loss' is not prepared; call prepare(train) before judge")
        return [self._assess(child, self._limits) for child in children]

    def _assess(self, child: Sample, limits: dict[int, float]) -> Verdict:
        losses, mask = self._losses(child)
        # A class that no real image has shown has no limit.
        allowed = torch.full_like(losses, float("inf"))
        for label in mask.unique().tolist():
            allowed[mask == label] = limits.get(label, float("inf"))
        labelled = mask != self.ignore_index
        bad = labelled & (losses > allowed)
        count, left = int(bad.sum()), int((labelled & ~bad).sum())
        details: dict[str, int | float | str] = {IGNORED_PIXELS: count, IGNORE_INDEX: self.ignore_index}
        if not count:
            return self.verdict(1.0, details=details)
        score = left / (left + count)
        if not left:
            return self.verdict(
                score,
                f"the image is nowhere what its mask says: the loss of all {count} pixels is above "
                f"{self.factor:g} times the mean of their class",
            )
        kept = mask.masked_fill(bad, self.ignore_index)
        target = child.target
        assert isinstance(target, torch.Tensor)
        return self.verdict(score, details=details, amended=replace(child, target=_like(kept, target)))

    def _losses(self, sample: Sample) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of each pixel, 0 where it is ignored, and the mask."""
        mask = mask_of(sample)
        logits = logits_of(self._predict, sample.image, "pixels")
        labels = mask.unique()
        strange = labels[(labels != self.ignore_index) & ((labels < 0) | (labels >= len(logits)))]
        if len(strange):
            raise DataError(
                f"a mask has the class {int(strange[0])}, and the network tells {len(logits)} apart; pass one of all "
                "classes, or the ignore index"
            )
        losses = functional.cross_entropy(
            logits.unsqueeze(0), mask.unsqueeze(0), reduction="none", ignore_index=self.ignore_index
        )
        return losses[0], mask


def _like(mask: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return mask.to(target.dtype).as_subclass(type(target))
