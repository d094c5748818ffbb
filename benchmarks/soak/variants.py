"""Examples and variants whose every pixel can be worked out again from what is in the picture."""

from __future__ import annotations

from functools import lru_cache

import torch

from genaug_data.sample import Recipe, Request, Sample, content_hash, variant_key
from genaug_data.seeding import derive, torch_generator

SIZE, SIDE, CLASSES = 2_000, 32, 10
RECIPE = Recipe(strength=0.5)
FINGERPRINT = "soak"
_SEED_BYTES = 8


@lru_cache(SIZE)
def example(index: int) -> Sample:
    """Return a real example: noise that only its index decides."""
    shape, random = (3, SIDE, SIDE), torch_generator(derive(7, "example", index))
    return Sample(torch.randint(0, 128, shape, dtype=torch.uint8, generator=random), index % CLASSES)


def variant(parent: int, seed: int) -> Sample:
    """Return a variant: its parent, brightened by noise of the seed, and the seed itself in the first eight pixels."""
    real = example(parent)
    noise = torch.randint(1, 128, real.image.shape, dtype=torch.uint8, generator=torch_generator(seed))
    image = real.image + noise
    image.view(-1)[:_SEED_BYTES] = torch.tensor(list(seed.to_bytes(_SEED_BYTES, "little")), dtype=torch.uint8)
    return Sample(image, real.target)


def is_right(image: torch.Tensor, label: int, index: int, key: bytes | None) -> bool:
    """Return whether a row of a batch shows what its meta says, bit by bit."""
    if key is None:
        return torch.equal(image, example(index).image) and label == index % CLASSES
    seed = int.from_bytes(bytes(image.reshape(-1)[:_SEED_BYTES].tolist()), "little")
    expected = variant(index, seed)
    named = variant_key(content_hash(example(index)), FINGERPRINT, RECIPE, seed)
    return named == key and torch.equal(image, expected.image) and label == expected.target


class Examples(torch.utils.data.Dataset):
    """The real examples as a dataset of (image, class id)."""

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        sample = example(index)
        return sample.image, sample.target


class Brightens:
    """The generator."""

    fingerprint = FINGERPRINT

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        """Return :func:`variant` of each request."""
        return [variant(request.parent, request.seed) for request in requests]
