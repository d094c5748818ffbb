"""The gate that asks several networks, and distrusts what they do not agree on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from genaug_data.errors import ConfigError
from genaug_data.features import name_of
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.base import ScoreGate
from genaug_data.gates.quality.predictions import Predictor, logits_of, settled
from genaug_data.gates.quality.share import Share
from genaug_data.sample import Sample


class EnsembleDisagreement(ScoreGate):
    """Rejects children on which the members of an ensemble disagree most, as DatasetGAN does (arXiv:2104.06490).

    The score is 1 minus the Jensen-Shannon divergence of the members' predictions, divided by its largest possible
    value, the logarithm of the number of members or of classes, whichever is less; of masks, the mean over pixels.

    Args:
        members: at least two networks, each from uint8 images ``(B, C, H, W)`` to logits ``(B, classes)`` or
            ``(B, classes, H, W)``, picklable.
        threshold: score that is needed, or the share to keep.

    Raises:
        ConfigError: fewer than two members, or a threshold outside of [0, 1].

    Example:
        >>> sure, other = (lambda images, row=row: torch.tensor([row]) for row in ([40.0, 0.0], [0.0, 40.0]))
        >>> blank = Sample(torch.zeros(1, 2, 2, dtype=torch.uint8), 0)
        >>> gate = EnsembleDisagreement([sure, other], threshold=0.5)
        >>> round(gate.judge([blank], [blank])[0].score, 6)
        0.0
    """

    name = "ensemble_disagreement"
    cost = 8.0
    what = "agreement of the ensemble"

    def __init__(self, members: Sequence[Predictor], threshold: float | Share = thresholds.ENSEMBLE_KEEP) -> None:
        if len(members) < 2:
            raise ConfigError(
                f"an ensemble needs at least 2 members to disagree, got {len(members)}; pass more networks"
            )
        super().__init__(threshold)
        self._members = tuple(settled(member, self.name) for member in members)

    @property
    def parts(self) -> str:
        """The members."""
        return ", ".join(name_of(member) for member in self._members)

    def score(self, parent: Sample, child: Sample) -> float:
        """Return how far the members agree on a child."""
        answers = [logits_of(member, child.image) for member in self._members]
        if any(answer.shape != answers[0].shape for answer in answers):
            raise ConfigError(
                f"the members of an ensemble must return logits of one shape, got "
                f"{sorted({tuple(answer.shape) for answer in answers})}; let all tell the same classes apart"
            )
        probabilities = torch.stack([answer.softmax(0) for answer in answers])
        divergence = _entropy(probabilities.mean(0)) - torch.stack([_entropy(one) for one in probabilities]).mean(0)
        largest = math.log(min(len(answers), max(2, len(answers[0]))))
        return min(max(1 - float(divergence.mean()) / largest, 0.0), 1.0)


def _entropy(probabilities: torch.Tensor) -> torch.Tensor:
    return torch.special.entr(probabilities).sum(0)
