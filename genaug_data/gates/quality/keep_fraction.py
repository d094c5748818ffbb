"""The gate that keeps the best share by any score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from genaug_data.errors import ConfigError
from genaug_data.features import name_of
from genaug_data.gates.base import Gate
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.base import ScoreGate
from genaug_data.gates.quality.share import Share
from genaug_data.sample import Sample


class KeepFraction(ScoreGate):
    """Keeps the best share of the children by another gate's score, or by a callable's.

    What that gate itself accepts does not matter. The threshold is settled before the first child is judged, for each
    class by itself; see :class:`~genaug_data.gates.quality.Share` for why, and for what the share is of.

    Args:
        score: a gate, or a callable from parent and child to a number in [0, 1], larger is better; picklable.
        share: to keep.

    Raises:
        ConfigError: the score is of a model under training: it would have no threshold before the training.

    Example:
        >>> from genaug_data.gates import NoOp
        >>> from genaug_data.testing.parts import Speckled, some_samples
        >>> gate = KeepFraction(NoOp(), Share(0.5, generator=Speckled()))
        >>> gate.prepare(some_samples(), progress=False)
        >>> [verdict.accepted for verdict in gate.judge(some_samples(2), some_samples(2))]
        [False, False]
    """

    name = "keep_fraction"
    what = "the score"

    def __init__(self, score: Gate | Callable[[Sample, Sample], float], share: Share = thresholds.KEEP) -> None:
        if isinstance(score, Gate) and score.heeds_snapshots:
            raise ConfigError(
                f"the gate {score.name!r} judges by the model under training, whose scores before the training set no "
                "threshold; pass one by a trained model"
            )
        super().__init__(share)
        self._score = score
        if isinstance(score, Gate):
            self.name = f"keep_fraction_of_{score.name}"
            self.cost = score.cost
        else:
            self.cost = 6.0

    @property
    def parts(self) -> str:
        """The fingerprint of the gate, or the name of the callable."""
        return self._score.fingerprint if isinstance(self._score, Gate) else name_of(self._score)  # type: ignore[arg-type]

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Prepare the gate whose score it is, and set the thresholds.

        Raises:
            GenaugError: as the gate's own does, or there is nothing to set them from.
        """
        if isinstance(self._score, Gate):
            self._score.prepare(train, progress=progress, beat=beat)
        super().prepare(train, progress=progress, beat=beat)

    def remember(self, keys: Sequence[bytes], children: Sequence[Sample]) -> None:
        """Let the gate take note as well."""
        if isinstance(self._score, Gate):
            self._score.remember(keys, children)

    def forget(self, keys: Sequence[bytes]) -> None:
        """Let the gate take note as well."""
        if isinstance(self._score, Gate):
            self._score.forget(keys)

    def score(self, parent: Sample, child: Sample) -> float:
        """Return the score of a child."""
        if isinstance(self._score, Gate):
            return self._score.judge([parent], [child])[0].score
        found = float(self._score(parent, child))
        if not (math.isfinite(found) and 0 <= found <= 1):
            raise ConfigError(f"a score must lie in [0, 1], got {found}; scale what the callable returns")
        return found
