"""Pairs of examples that share a label, from which it is learned what varies within a class."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.affine import random_affine
from genaug_data.generators.condition import Condition
from genaug_data.generators.examples import Examples
from genaug_data.generators.lessons import as_signal
from genaug_data.seeding import derive

_HELD_OUT = 10
"""One of so many classes is held out where classes are."""


class PairLessons:
    """Siblings: the image to learn is one example of a class, its condition another one of the same class.

    Both are turned and bent alike: how a class varies goes with the way in which it is seen.

    Args:
        examples: with class ids as annotations.
        size: to which images are padded.
        rotations: whether each class also serves turned by 90, 180 and 270 degrees, as three further classes.
        bend: amount of the random affine map, as in :func:`~genaug_data.generators.affine.random_affine`.
        new_classes: whether the model is for classes that it has not seen: then whole classes are held out to decide
            when to stop, otherwise single examples.

    Raises:
        GeneratorError: no class has two examples, annotations are masks, or images to be rotated are not square.
    """

    def __init__(
        self, examples: Examples, size: tuple[int, int], *, rotations: bool, bend: float, new_classes: bool
    ) -> None:
        if examples.condition.kind != "class":
            raise GeneratorError(
                f"siblings need class ids as annotations, found {examples.condition.kind}s: pass InDomainDiffusion, "
                "which learns from masks, or another generator"
            )
        if rotations and size[0] != size[1]:
            raise GeneratorError(
                f"rotations by 90 degrees need square images, found {size[0]}x{size[1]} after padding: "
                "resize them, or pass rotations=False"
            )
        self.condition = Condition("image")
        self.image_channels = examples.image_channels
        self.size = size
        self._examples, self._bend = examples, bend
        self._turns = 4 if rotations else 1
        self._families, self._held_out = _split(examples, by_class=new_classes)

    @property
    def held_out(self) -> int:
        """Number of pairs that decide when to stop."""
        return len(self._held_out)

    def draw(self, count: int, generator: torch.Generator, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``count`` images and siblings of theirs; every class is equally likely."""
        drawn = torch.rand(3, count, generator=generator, dtype=torch.float64)
        kinds = (drawn[0] * len(self._families) * self._turns).long().tolist()
        pairs = []
        for kind, first, second in zip(kinds, drawn[1].tolist(), drawn[2].tolist(), strict=True):
            family = self._families[kind // self._turns]
            one = int(first * len(family))
            other = (one + 1 + int(second * (len(family) - 1))) % len(family)
            pairs.append((family[one], family[other]))
        turns = torch.tensor([kind % self._turns for kind in kinds])
        images, parents = (_turned(part, turns) for part in self._load(pairs))
        both = torch.cat([as_signal(images, device), as_signal(parents, device)], dim=1)
        bent = random_affine(both, generator, self._bend) if self._bend else both
        clean, condition = bent.split(self.image_channels, dim=1)
        return clean.contiguous(memory_format=torch.channels_last), condition

    def examine(self, start: int, stop: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return held-out pairs, as they are."""
        images, parents = self._load(self._held_out[start:stop])
        return as_signal(images, device), as_signal(parents, device)

    def _load(self, pairs: Sequence[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        indices = [index for column in zip(*pairs, strict=True) for index in column]
        images, parents = self._examples.batch(indices, self.size)[0].chunk(2)
        return images, parents


def _split(examples: Examples, *, by_class: bool) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Return families of at least two examples each to learn from, and the pairs (image, parent) that are held out."""
    everyone = _families(examples.labels, range(examples.labelled))
    if not everyone:
        raise GeneratorError(
            f"siblings are learned from pairs that share a label, but each of the {len(set(examples.labels))} classes "
            "has a single example: pass transfer_from=, another labelled dataset of the domain, or more examples"
        )
    if by_class:
        learned = {label: family for label, family in everyone.items() if derive(0, "family", label) % _HELD_OUT}
        held_out = [pair for label in everyone if label not in learned for pair in _around(everyone[label])]
    else:
        learned = _families(examples.labels, examples.training)
        apart = sorted(set(examples.held_out) - set(examples.training))
        held_out = [(index, learned[label][0]) for index in apart if (label := examples.labels[index]) in learned]
    if not (learned and held_out):
        learned, held_out = everyone, [pair for family in everyone.values() for pair in _around(family)]
    return list(learned.values()), held_out


def _families(labels: Sequence[int], indices: Sequence[int]) -> dict[int, list[int]]:
    """Return by label, ascending, those of ``indices`` that are not alone with theirs."""
    families: dict[int, list[int]] = {}
    for index in indices:
        families.setdefault(labels[index], []).append(index)
    return {label: families[label] for label in sorted(families) if len(families[label]) > 1}


def _around(family: list[int]) -> list[tuple[int, int]]:
    return list(zip(family, family[1:] + family[:1], strict=True))


def _turned(images: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    for turn in range(1, 4):
        chosen = turns == turn
        if chosen.any():
            images[chosen] = torch.rot90(images[chosen], turn, (2, 3))
    return images
