"""Thresholds that keep a share: settled before the first child is judged, for each class by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from tqdm import tqdm

from genaug_data.copies.reading import evenly_spaced
from genaug_data.errors import ConfigError, DataError
from genaug_data.generators import Refusal, SampleGenerator
from genaug_data.sample import Recipe, Request, Sample, content_hash
from genaug_data.seeding import derive

_AT_ONCE = 64
_ENOUGH = 8
"""With so many scores of its own, a class has a threshold of its own."""


@dataclass(frozen=True, slots=True)
class Share:
    """Asks for the threshold that a share reaches: of trial children, or of the training examples themselves.

    Children come in small groups, and a rank among those that happen to be there would depend on the grouping; a
    running quantile would depend on children that no record tells of once a run is resumed. So the threshold is
    settled in ``prepare``, from scores that are the same in every process. With ``generator``, the share is of its
    children: it makes trial children first. Without, a child is accepted that scores like the best ``keep`` of the
    training examples, and the share of children that this keeps says how good the generator is.

    Args:
        keep: the share, in (0, 1].
        generator: whose children will be judged: the very object that is passed to the wrapped dataset.
        recipe: of the trial children; make it that of the run.
        trials: scores that a threshold is set from, at most.

    Raises:
        ConfigError: a value outside its range.

    Example:
        >>> from genaug_data.testing.parts import some_samples
        >>> limits = Share(0.75).limits(lambda parent, child: child.target / 2, some_samples(9), progress=False)
        >>> limits.of(some_samples(1)[0])
        0.0
    """

    keep: float
    generator: SampleGenerator | None = None
    recipe: Recipe = field(default_factory=Recipe)
    trials: int = 2048

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ConfigError(f"keep must lie in (0, 1], got {self.keep}; 0.9 keeps the best nine tenths")
        if self.trials < 1:
            raise ConfigError(f"trials must be at least 1, got {self.trials}; a threshold is set from so many scores")

    @property
    def identity(self) -> str:
        """Settings as text; what the generator adds shows in the thresholds."""
        source = "examples" if self.generator is None else f"trial children by {self.recipe.to_json()}"
        return f"Share({self.keep}, {source}, {self.trials})"

    def limits(
        self,
        score: Callable[[Sample, Sample], float],
        train: Sequence[Sample],
        *,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> Limits:
        """Return the threshold of each class that has 8 scores or more, and that of all for the others.

        Args:
            score: of a parent and its child.
            train: the training set.
            progress: whether long work shows a bar.
            beat: called often.

        Raises:
            DataError: there is nothing to score.
        """
        scores: dict[Hashable, list[float]] = {}
        count = min(len(train), self.trials)
        with tqdm(total=count, desc="scoring for thresholds", delay=2, disable=not progress) as bar:
            for parent, child in self._pairs(train):
                scores.setdefault(_class_of(parent), []).append(score(parent, child))
                bar.update(1)
                if beat is not None:
                    beat()
        found = [one for of_class in scores.values() for one in of_class]
        if not found:
            raise DataError(
                f"a share of nothing has no threshold: of {len(train)} training examples none could be scored; see "
                "what the generator refuses"
            )
        own = {key: self._lowest(of_class) for key, of_class in scores.items() if len(of_class) >= _ENOUGH}
        return Limits(own, self._lowest(found))

    def _lowest(self, scores: Sequence[float]) -> float:
        return sorted(scores, reverse=True)[max(1, round(self.keep * len(scores))) - 1]

    def _pairs(self, train: Sequence[Sample]) -> Iterator[tuple[Sample, Sample]]:
        places = evenly_spaced(len(train), self.trials).tolist()
        for start in range(0, len(places), _AT_ONCE):
            part = places[start : start + _AT_ONCE]
            parents = [train[place] for place in part]
            if self.generator is None:
                yield from zip(parents, parents, strict=True)
                continue
            requests = [
                Request(place, 0, self.recipe, derive(0, "trial", content_hash(parent)))
                for place, parent in zip(part, parents, strict=True)
            ]
            answers = self.generator.generate(parents, requests)
            yield from (
                (parent, child)
                for parent, child in zip(parents, answers, strict=True)
                if not isinstance(child, Refusal)
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds by class.

    Args:
        own: of the classes that have one.
        usual: of the others.
    """

    own: dict[Hashable, float]
    usual: float

    def of(self, parent: Sample) -> float:
        """Return the threshold for children of a parent."""
        return self.own.get(_class_of(parent), self.usual)

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that stand for all of them."""
        text = json.dumps([self.usual, sorted((str(key), limit) for key, limit in self.own.items())])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _class_of(sample: Sample) -> Hashable:
    # What has no one class is judged among all.
    return sample.target if isinstance(sample.target, int) else None
