"""The gate that asks a classifier: is it what it is labelled as, and is it worth a step."""

from __future__ import annotations

from collections.abc import Sequence

from genaug_data.errors import ConfigError
from genaug_data.features import name_of
from genaug_data.gates.base import Gate
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.predictions import Predictor, label_of, logits_of
from genaug_data.gates.quality.under_training import UnderTraining
from genaug_data.gates.snapshot import Snapshot
from genaug_data.sample import Sample, Verdict


class Agreement(Gate):
    """Rejects children whose label a classifier all but excludes, and those that are too easy for it.

    The score is the probability of the label. Both ends are cut off, as in ALIA (arXiv:2305.16289): below ``least`` the
    child does not show its label any more, above ``most`` it teaches nothing. A low ``least`` is no oversight: the
    parents are hard examples, and so are their sound children.

    The classifier is any callable, or the model under training (:class:`UnderTraining`), whose snapshots
    ``train.snapshot(model)`` sends. Until the first one has arrived every child passes; each verdict names the
    snapshot that it is by, and stays what it was when newer ones come.

    Args:
        classifier: from uint8 images ``(B, C, H, W)`` to logits ``(B, classes)``, picklable.
        least: probability of the label that is needed, in [0, 1].
        most: probability that is allowed, in [0, 1]; 1 lets easy ones pass.

    Raises:
        ConfigError: not ``0 <= least < most <= 1``.

    Example:
        >>> import torch
        >>> dark = Sample(torch.zeros(1, 1, 2, dtype=torch.uint8), 0)
        >>> gate = Agreement(lambda images: images.flatten(1).float())
        >>> gate.judge([dark], [dark])[0].score
        0.5
        >>> gate.judge([dark], [Sample(torch.tensor([[[0, 9]]], dtype=torch.uint8), 0)])[0].reason
        'the image does not show its label: the classifier gives it 0.0001, at least 0.1000 is needed'
    """

    name = "agreement"
    cost = 5.0

    def __init__(
        self,
        classifier: Predictor,
        *,
        least: float = thresholds.AGREEMENT_LEAST,
        most: float = thresholds.AGREEMENT_MOST,
    ) -> None:
        if not 0 <= least < most <= 1:
            raise ConfigError(
                f"agreement needs 0 <= least < most <= 1, got {least} and {most}; most=1 has no upper end"
            )
        self.least = least
        self.most = most
        self._classifier = classifier

    @property
    def fingerprint(self) -> str:
        """Settings and the classifier; of one under training its architecture, as its weights change."""
        return f"{super().fingerprint}[{name_of(self._classifier)}]"

    @property
    def heeds_snapshots(self) -> bool:
        """Whether the classifier is the model under training."""
        return isinstance(self._classifier, UnderTraining)

    def learn(self, snapshot: Snapshot) -> None:
        """Judge by a newer state of the model under training.

        Raises:
            ConfigError: the weights are those of another model; the gate goes on with what it had.
        """
        if isinstance(self._classifier, UnderTraining):
            self._classifier.learn(snapshot)

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child by the probability of its label."""
        return [self._assess(child) for child in children]

    def _assess(self, child: Sample) -> Verdict:
        details: dict[str, int | float | str] = {"most": self.most}
        if isinstance(self._classifier, UnderTraining):
            if self._classifier.snapshot is None:
                return self.verdict(1.0, details={"snapshot": "none yet"})
            details |= {"snapshot": self._classifier.snapshot, "step": self._classifier.step}
        probabilities = logits_of(self._classifier, child.image, "image").softmax(0)
        found = float(probabilities[label_of(child, len(probabilities))])
        problem = ""
        if found < self.least:
            problem = (
                f"the image does not show its label: the classifier gives it {found:.4f}, at least {self.least:.4f} "
                "is needed"
            )
        elif found > self.most:
            problem = (
                f"the image is too easy: the classifier gives its label {found:.4f}, at most {self.most:.4f} is allowed"
            )
        return self.verdict(min(found, 1.0), problem, threshold=self.least, details=details)
