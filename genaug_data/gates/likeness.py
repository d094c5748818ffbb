"""How like its parent a child is, measured in the features of a network."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import torch
from torch.nn import functional

from genaug_data.errors import ConfigError
from genaug_data.features import Features
from genaug_data.sample import Sample, class_id, content_hash


class OwnSimilarity:
    """The cosine between the features of child and parent, in [-1, 1].

    Images are looked at one by one: in a batch, the last bits of an image's features depend on the others.

    Args:
        features: any callable from images to features.

    Example:
        >>> one, other = (Sample(torch.tensor(row, dtype=torch.uint8).view(1, 1, 2), 0) for row in ([3, 4], [4, 3]))
        >>> round(OwnSimilarity(lambda images: images.flatten(1).float())(one, other), 2)
        0.96
    """

    def __init__(self, features: Features) -> None:
        self._features = features

    def __call__(self, parent: Sample, child: Sample) -> float:
        """Return the similarity of a child."""
        return float(self.direction(child) @ self.direction(parent))

    def direction(self, sample: Sample) -> torch.Tensor:
        """Return the features of an image, float32 ``(D,)`` of length 1.

        Raises:
            ConfigError: they are not float ``(1, D)``, or not finite.
        """
        with torch.no_grad():
            found = self._features(sample.image.unsqueeze(0))
        if not isinstance(found, torch.Tensor) or found.ndim != 2 or len(found) != 1 or not found.is_floating_point():
            told = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
            raise ConfigError(
                f"features must return floats (B, D), got {told} for one image; flatten what each image has"
            )
        if not found.isfinite().all():
            raise ConfigError("features returned values that are NaN or infinite; check the network and its input")
        return functional.normalize(found[0].float().cpu(), dim=0)


class Margin:
    """By how much a child is nearer to its parent than to any training example of another class, in [-2, 2].

    Of a soft label, the most probable class counts.

    Args:
        features: any callable from images to features.
        train: the training set; features of all of it are kept, 4 bytes a number.
        beat: called at each example.

    Raises:
        ConfigError: all examples are of one class.
    """

    def __init__(self, features: Features, train: Sequence[Sample], beat: Callable[[], None] = lambda: None) -> None:
        self._own = OwnSimilarity(features)
        directions, self._classes = [], []
        for index in range(len(train)):
            sample = train[index]
            directions.append(self._own.direction(sample))
            self._classes.append(_class_of(sample))
            beat()
        if len(set(self._classes)) < 2:
            raise ConfigError(
                f'a margin is over other classes, but all {len(train)} training examples are of one; use score="own"'
            )
        self._directions = torch.stack(directions)

    def __call__(self, parent: Sample, child: Sample) -> float:
        """Return the margin of a child."""
        seen, own_class = self._own.direction(child), _class_of(parent)
        others = torch.tensor([known != own_class for known in self._classes])
        return float(seen @ self._own.direction(parent) - (self._directions @ seen)[others].max())


def _class_of(sample: Sample) -> Hashable:
    label = class_id(sample.target)
    if label is not None:
        return label
    return sample.target if isinstance(sample.target, str) else content_hash(sample)
