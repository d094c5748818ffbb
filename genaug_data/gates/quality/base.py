"""What quality gates share: a score, and a threshold or a share of the best."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from genaug_data.errors import ConfigError
from genaug_data.gates.base import Gate
from genaug_data.gates.quality.share import Limits, Share
from genaug_data.sample import Sample, Verdict


class ScoreGate(Gate):
    """Accepts children whose score reaches a threshold; a member writes :meth:`score`, and says what that is.

    Children are scored one by one: in a batch, the last bits of a network's answer depend on the others.

    Args:
        threshold: score in [0, 1] that is needed, or the :class:`~genaug_data.gates.quality.Share` to keep, of each
            class by itself.

    Attributes:
        what: the score in words, for reasons.

    Raises:
        ConfigError: a threshold outside of [0, 1].

    Example:
        >>> import torch
        >>> class Bright(ScoreGate):
        ...     name, cost, what = "bright", 1.0, "its mean"
        ...
        ...     def score(self, parent, child):
        ...         return float(child.image.float().mean()) / 255
        >>> black = Sample(torch.zeros(1, 2, 2, dtype=torch.uint8), 0)
        >>> Bright(0.2).judge([black], [black])[0].reason
        'its mean is 0.0000, at least 0.2000 is needed'
    """

    what: ClassVar[str]

    def __init__(self, threshold: float | Share) -> None:
        if not isinstance(threshold, Share) and not 0 <= threshold <= 1:
            raise ConfigError(
                f"the threshold of {self.name!r} must lie in [0, 1], got {threshold}; pass a score, or Share(0.9)"
            )
        self.threshold = threshold
        self._limits: Limits | None = None

    @property
    def parts(self) -> str:
        """What decides scores besides plain settings, as text: the fingerprints of networks, for example."""
        return ""

    @property
    def fingerprint(self) -> str:
        """Type, settings, parts, and the thresholds that were found."""
        share = f", {self.threshold.identity}" if isinstance(self.threshold, Share) else ""
        found = "" if self._limits is None else f", {self._limits.digest}"
        return f"{super().fingerprint}[{self.parts}{share}{found}]"

    @abstractmethod
    def score(self, parent: Sample, child: Sample) -> float:
        """Return the score of a child, in [0, 1], larger is better."""

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Set the thresholds, where a share is asked for; a member that learns more does so before.

        Raises:
            DataError: there is nothing to set them from.
        """
        if isinstance(self.threshold, Share):
            self._limits = self.threshold.limits(self.score, train, progress=progress, beat=beat)

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child by its score."""
        return [self._assess(parent, child) for parent, child in zip(parents, children, strict=True)]

    def _assess(self, parent: Sample, child: Sample) -> Verdict:
        found, needed = self.score(parent, child), self._needed(parent)
        problem = "" if found >= needed else f"{self.what} is {found:.4f}, at least {needed:.4f} is needed"
        return self.verdict(found, problem, threshold=needed)

    def _needed(self, parent: Sample) -> float:
        if not isinstance(self.threshold, Share):
            return self.threshold
        if self._limits is None:
            raise ConfigError(f"the gate {self.name!r} is not prepared; call prepare(train) before judge")
        return self._limits.of(parent)
