"""Keys, records and their comparison, for tests of the cache and for programs that they run."""

from __future__ import annotations

import torch

from genaug_data.sample import Provenance, Recipe, Sample, Verdict
from genaug_data.seeding import torch_generator


def key_of(number: int) -> bytes:
    return number.to_bytes(16, "big")


def made(parent: int = 0, variant: int = 0, text: str = "") -> Provenance:
    verdicts = (Verdict("validity", 1.0, True, text),)
    return Provenance(parent, "ab", variant, "f", Recipe(), 5, verdicts, 0.5, {"torch": "2"}, 1.0)


def image_of(number: int, shape: tuple[int, ...] = (3, 8, 8)) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(number))


def record(number: int, shape: tuple[int, ...] = (3, 8, 8)) -> tuple[bytes, Sample, Provenance]:
    return key_of(number), Sample(image_of(number, shape), number % 10), made(number)


def same(one: Sample | None, two: Sample) -> bool:
    if one is None or not torch.equal(one.image, two.image) or type(one.target) is not type(two.target):
        return False
    if isinstance(two.target, torch.Tensor):
        return one.target.dtype == two.target.dtype and torch.equal(one.target, two.target)
    if isinstance(two.target, dict):
        return set(one.target) == set(two.target) and all(
            one.target[name].dtype == value.dtype and torch.equal(one.target[name], value)
            for name, value in two.target.items()
        )
    return one.target == two.target
