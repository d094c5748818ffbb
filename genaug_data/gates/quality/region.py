"""The gate that asks whether the regions of an image are where its mask has them."""

from __future__ import annotations

import torch

from genaug_data.features import name_of
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.base import ScoreGate
from genaug_data.gates.quality.predictions import Predictor, logits_of, mask_of, settled
from genaug_data.gates.quality.share import Share
from genaug_data.sample import Sample


class RegionConsistency(ScoreGate):
    """Rejects children in which a network does not find the regions of the mask.

    The score is the intersection over union of the predicted mask and the child's, averaged over the classes that are
    in either; pixels of the ignore index do not count. A mask without any other pixel has score 1.

    Args:
        predict: from uint8 images ``(B, C, H, W)`` to logits ``(B, classes, H, W)``, picklable.
        threshold: score that is needed, or the share to keep.
        ignore_index: of pixels that belong to no class.

    Raises:
        ConfigError: a threshold outside of [0, 1].

    Example:
        >>> mask = torch.tensor([[0, 1], [1, 1]])
        >>> child = Sample((mask * 255).to(torch.uint8).unsqueeze(0), mask)
        >>> gate = RegionConsistency(lambda images: torch.cat([100.0 - images, images - 100.0], dim=1))
        >>> gate.judge([child], [child])[0].score
        1.0
    """

    name = "region_consistency"
    cost = 7.0
    what = "intersection over union of the predicted and the given mask"

    def __init__(
        self, predict: Predictor, threshold: float | Share = thresholds.REGION_IOU, *, ignore_index: int = 255
    ) -> None:
        super().__init__(threshold)
        self.ignore_index = ignore_index
        self._predict = settled(predict, self.name)

    @property
    def parts(self) -> str:
        """The network."""
        return name_of(self._predict)

    def score(self, parent: Sample, child: Sample) -> float:
        """Return the mean intersection over union of a child."""
        given = mask_of(child)
        predicted = logits_of(self._predict, child.image, "pixels").argmax(0)
        counted = given != self.ignore_index
        given, predicted = given[counted], predicted[counted]
        if not given.numel():
            return 1.0
        from torchmetrics.functional.classification import multiclass_jaccard_index

        # Class ids may be far apart, and the metric has a row for each.
        classes, ids = torch.unique(torch.cat([given, predicted]), return_inverse=True)
        count = max(2, len(classes))
        given, predicted = ids[: len(given)], ids[len(given) :]
        return float(multiclass_jaccard_index(predicted, given, num_classes=count, average="macro"))
