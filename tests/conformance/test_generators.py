from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from genaug_data.generators import BaseGenerator, InDomainDiffusion, ParentBatch, SiblingDiffusion
from genaug_data.sample import Request, Sample
from genaug_data.testing import Violation, check_generator
from genaug_data.testing.parts import Speckled, some_samples
from tests.toys import Noisy, Shrinks

CALLS = count()


def tiny() -> InDomainDiffusion:
    return InDomainDiffusion(max_steps=3, batch_size=4, channels=(8, 8), device="cpu", variants_at_once=4)


def siblings() -> SiblingDiffusion:
    return SiblingDiffusion(max_steps=3, batch_size=4, channels=(8, 8), device="cpu", variants_at_once=4)


def transferred() -> SiblingDiffusion:
    known = [Sample(255 - one.image, 40 + place % 4) for place, one in enumerate(some_samples(12))]
    return SiblingDiffusion(
        transfer_from=known, rotations=True, max_steps=3, batch_size=4, channels=(8, 8), device="cpu"
    )


def masked(number: int) -> Sample:
    mask = torch.zeros(10, 12, dtype=torch.int64)
    mask[number : number + 4, 2:8] = 7
    image = torch.randint(0, 256, (3, 10, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(number))
    return Sample(image, mask)


class Negates(BaseGenerator):
    """A member of the template: the negative, with noise from each seed."""

    identity = "negates"

    def make(self, batch: ParentBatch) -> torch.Tensor:
        noise = [torch.rand(batch.images.shape[1:], generator=torch.Generator().manual_seed(s)) for s in batch.seeds]
        return torch.stack(noise) / 4 - batch.images


@pytest.mark.parametrize("make", [tiny, siblings, transferred, Noisy, Speckled, Negates])
def test_ours_pass_on_classes(make: Callable) -> None:
    check_generator(make, some_samples(6))


@pytest.mark.parametrize("make", [tiny, Noisy, Negates])
def test_ours_pass_on_masks(make: Callable) -> None:
    check_generator(make, [masked(number) for number in range(4)])


class Edits(Speckled):
    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        parents[0].image.view(-1)[0] ^= 1
        return super().generate(parents, requests)


@dataclass
class Adds(Speckled):
    """Adds to each variant what a function says."""

    function: Callable[[list[Sample], list[Request], int], int] = field(default=lambda parents, requests, place: 0)

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        made = super().generate(parents, requests)
        return [
            Sample(one.image // 4 + 5 * self.function(parents, requests, place), one.target)
            for place, one in enumerate(made)
        ]


def adds(function: Callable[[list[Sample], list[Request], int], int]) -> Callable[[], Adds]:
    return lambda: Adds(function=function)


class Unseeded(Speckled):
    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return [Sample(255 - parent.image, parent.target) for parent in parents]


class Short(Speckled):
    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return super().generate(parents, requests)[1:]


class Forgets(Speckled):
    """Loses what decides its images when it is pickled."""

    shift = 9

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return [Sample(one.image // 2 + self.shift, one.target) for one in super().generate(parents, requests)]

    def __getstate__(self) -> dict:
        return {"fingerprint": self.fingerprint, "shift": 40}


class Renames(Speckled):
    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        self.fingerprint += "."
        return super().generate(parents, requests)


class FitsByChance(Speckled):
    def fit(self, samples: list[Sample], folder: Path, *, progress: bool, beat: Callable[[], None]) -> None:
        self.fingerprint = f"speckled {next(CALLS)}"


class FitDraws(Speckled):
    def fit(self, samples: list[Sample], folder: Path, *, progress: bool, beat: Callable[[], None]) -> None:
        np.random.rand()


FAULTY = {
    "short": (Short, "returned 11 variants for 12 parents"),
    "shrinks": (Shrinks, r"has an image of shape \(1, 7, 8\)"),
    "edits": (Edits, r"generate changed the sample at place \[0\] that it was handed; work on a copy"),
    "torch": (adds(lambda *_: int(torch.randint(9, ()))), "changed the state of the global generator of torch"),
    "numpy": (adds(lambda *_: int(np.random.randint(9))), "changed the state of the global generator of numpy"),
    "python": (adds(lambda *_: random.randrange(9)), "changed the state of the global generator of random"),
    "reads torch": (adds(lambda *_: int(torch.get_rng_state().sum()) % 9), "a repeated call changed variant"),
    "counts": (adds(lambda *_: next(CALLS) % 30), "a repeated call changed variant"),
    "place": (adds(lambda parents, requests, place: place), "the reversed order changed variant"),
    "batch": (adds(lambda parents, requests, place: len(parents)), "a batch of its own changed variant"),
    "index": (adds(lambda _, requests, place: requests[place].parent), "another index, variant number or priority"),
    "number": (adds(lambda _, requests, place: requests[place].variant), "another index, variant number or priority"),
    "priority": (adds(lambda _, requests, place: int(9 * requests[place].priority)), "another index, variant number"),
    "unseeded": (Unseeded, "no image changed with the seed of its request"),
    "nameless": (lambda: Speckled(fingerprint=""), "the fingerprint is ''; return a text"),
    "bytes": (lambda: Speckled(fingerprint=b"x"), "the fingerprint is b'x'; return a text"),
    "forgets": (Forgets, "a generator after pickling changed variant 0"),
    "renames": (Renames, "the fingerprint .* is 'speckled"),
    "by chance": (FitsByChance, "the fingerprint of a second generator made and fitted alike is 'speckled"),
    "fit draws": (FitDraws, "fit changed the state of the global generator of numpy"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTY)
def test_a_violator_is_caught(name: str) -> None:
    make, sentence = FAULTY[name]
    with pytest.raises(Violation, match=sentence):
        check_generator(make, some_samples())


def test_what_is_no_generator_is_said() -> None:
    class Nameless:
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return parents

    class Silent:
        fingerprint = "silent"
        generate = 3

    for make, sentence in (
        (Nameless, "Nameless has no fingerprint; a generator has fingerprint and generate"),
        (Silent, "generate of Silent is no method; make it one"),
    ):
        with pytest.raises(Violation, match=sentence):
            check_generator(make, some_samples())


def test_too_few_samples_show_nothing() -> None:
    with pytest.raises(Violation, match="got 2 samples; pass at least 3"):
        check_generator(Speckled, some_samples(2))
