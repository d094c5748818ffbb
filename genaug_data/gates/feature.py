"""The gate that keeps the children nearest to their parent, in the eyes of a network that knows the domain."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Sequence
from typing import Literal

from tqdm import tqdm

from genaug_data.copies.reading import evenly_spaced
from genaug_data.errors import ConfigError, DataError
from genaug_data.features import Features, name_of
from genaug_data.gates.base import Gate
from genaug_data.gates.likeness import Margin, OwnSimilarity
from genaug_data.generators import Refusal, SampleGenerator
from genaug_data.sample import Recipe, Request, Sample, Verdict, content_hash
from genaug_data.seeding import derive

_AT_ONCE = 64
_ENOUGH = 8
"""With so many trial children of each, every parent has a threshold of its own."""


class FeatureSimilarity(Gate):
    """Keeps a share of the children: those whose features are most like their parent's.

    A generator that has learned elsewhere breaks some variants; which ones, a classifier of that elsewhere sees
    (:func:`~genaug_data.gates.feature_network.fit_features`). What passes is settled before the first child is judged:
    :meth:`prepare` has the generator make trial children of the training examples, and sets the threshold so that the
    share ``keep`` of these passes: for each parent by itself where ``trials`` allows 8 of each, or more, otherwise for
    all alike. So a verdict follows from parent and child alone, however they are grouped.

    Args:
        features: from uint8 images ``(B, C, H, W)`` to floats ``(B, D)``, picklable; called with one image at a time.
            Its ``fingerprint``, or the weights of a module, are part of the gate's.
        generator: whose children will be judged: the very object that is passed to the wrapped dataset, which fits it
            before it prepares gates.
        keep: share of the children to accept, in (0, 1].
        score: ``"own"`` is the cosine between the features of child and parent; ``"margin"`` is by how much that
            exceeds the largest one with a training example of another class.
        recipe: of the trial children; make it that of the run. None is strength 1 in 12 steps without guidance.
        trials: trial children to make, at most, but one at least.

    Raises:
        ConfigError: a value outside its range.

    Example:
        >>> from genaug_data.testing.parts import Speckled, some_samples
        >>> gate = FeatureSimilarity(lambda images: images.flatten(1).float(), Speckled(), keep=0.5)
        >>> parents = some_samples(4)
        >>> gate.prepare(parents, progress=False)
        >>> [verdict.accepted for verdict in gate.judge(parents[:2], [parents[0], parents[2]])]
        [True, False]
    """

    name = "feature_similarity"
    cost = 3.5

    def __init__(
        self,
        features: Features,
        generator: SampleGenerator,
        *,
        keep: float = 0.25,
        score: Literal["own", "margin"] = "own",
        recipe: Recipe | None = None,
        trials: int = 2048,
    ) -> None:
        if not 0 < keep <= 1:
            raise ConfigError(f"keep must lie in (0, 1], got {keep}; it is the share of children to accept")
        if score not in ("own", "margin"):
            raise ConfigError(f'score must be "own" or "margin", got {score!r}')
        if trials < 1:
            raise ConfigError(f"trials must be at least 1, got {trials}; it bounds the children made for the threshold")
        self.keep = keep
        self.score = score
        self.recipe = recipe or Recipe(strength=1.0, guidance_scale=1.0, steps=12)
        self.trials = trials
        self._features = features
        self._generator = generator
        self._likeness: OwnSimilarity | Margin | None = None
        self._thresholds: dict[bytes, float] = {}
        self._usual = 0.0

    @property
    def fingerprint(self) -> str:
        """Settings, features, and every threshold."""
        found = json.dumps([self._usual, sorted((key.hex(), limit) for key, limit in self._thresholds.items())])
        digest = hashlib.blake2b(found.encode(), digest_size=16).hexdigest()
        return (
            f"genaug_data.gates.FeatureSimilarity({self.keep}, {self.score}, {self.recipe.to_json()}, {self.trials}, "
            f"{name_of(self._features)}, {digest})"
        )

    def threshold(self, parent: Sample) -> float:
        """Return the cosine or margin that children of a parent must reach; of a stranger, that of most parents."""
        return self._thresholds.get(content_hash(parent), self._usual)

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Make the trial children, and set the thresholds.

        Raises:
            DataError: the training set is empty.
            ConfigError: the features are not float ``(B, D)``, or a margin is asked for where there is one class.
            GeneratorError: the generator is not fitted.
        """
        if len(train) == 0:
            raise DataError("the training set is empty; the feature gate needs examples to set its threshold")
        heard = beat or (lambda: None)
        own = self.score == "own"
        self._likeness = OwnSimilarity(self._features) if own else Margin(self._features, train, heard)
        each = max(1, self.trials // len(train))
        orders = [
            (place, number) for place in evenly_spaced(len(train), self.trials).tolist() for number in range(each)
        ]
        scores: dict[bytes, list[float]] = {}
        with tqdm(total=len(orders), desc="trying variants", unit="variant", disable=not progress) as bar:
            for start in range(0, len(orders), _AT_ONCE):
                part = orders[start : start + _AT_ONCE]
                for key, score in self._try(train, part, self._likeness):
                    scores.setdefault(key, []).append(score)
                bar.update(len(part))
                heard()
        if not scores:
            raise DataError(
                f"the generator refused all of {len(orders)} variants that were tried; see why before training"
            )
        if each >= _ENOUGH:
            self._thresholds = {key: _kept_from(tried, self.keep) for key, tried in scores.items()}
            self._usual = statistics.median(self._thresholds.values())
        else:
            self._thresholds = {}
            self._usual = _kept_from([score for tried in scores.values() for score in tried], self.keep)

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child by its features and its parent's."""
        if self._likeness is None:
            raise ConfigError("the feature gate is not prepared; call prepare(train) before judge")
        return [
            self._assess(self._likeness(parent, child), self.threshold(parent))
            for parent, child in zip(parents, children, strict=True)
        ]

    def _assess(self, found: float, needed: float) -> Verdict:
        # Both kinds of score end up in [0, 1].
        score, threshold = (
            min(max((1 + value) / 2 if self.score == "own" else (2 + value) / 4, 0.0), 1.0) for value in (found, needed)
        )
        if found >= needed:
            return self.verdict(score, threshold=threshold)
        what = "similarity to its parent" if self.score == "own" else "margin over other classes"
        return self.verdict(
            score,
            f"the image is not enough like its parent: {what} {found:.4f}, at least {needed:.4f} is needed "
            f"(expected share of accepts {self.keep:g})",
            threshold=threshold,
        )

    def _try(
        self, train: Sequence[Sample], orders: Sequence[tuple[int, int]], likeness: OwnSimilarity | Margin
    ) -> list[tuple[bytes, float]]:
        parents = [train[place] for place, _ in orders]
        keys = [content_hash(parent) for parent in parents]
        requests = [
            Request(place, number, self.recipe, derive(0, "trial", key, number))
            for (place, number), key in zip(orders, keys, strict=True)
        ]
        answers = self._generator.generate(parents, requests)
        return [
            (key, likeness(parent, child))
            for key, parent, child in zip(keys, parents, answers, strict=True)
            if not isinstance(child, Refusal)
        ]


def _kept_from(scores: Sequence[float], keep: float) -> float:
    """Return the lowest of the best ``keep`` of ``scores``; of the best one at least."""
    return sorted(scores, reverse=True)[max(1, round(keep * len(scores))) - 1]
