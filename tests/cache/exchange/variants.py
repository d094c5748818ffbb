"""Caches with every kind of image and annotation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torchvision.tv_tensors import Mask

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.sample import Provenance, Recipe, Sample, Target, Verdict
from tests.cache.records import image_of, key_of

MASK = torch.tensor([[0, 0, 2, 2], [0, 1, 2, 2], [0, 1, 1, 255]])


def made_of(number: int) -> Provenance:
    verdicts = (Verdict("validity", 1.0, True), Verdict("clip", 0.125 * (number % 8), True, "", 0.1, {"snapshot": "s"}))
    return Provenance(
        number // 2,
        f"{number // 2:02x}" * 16,
        number % 2,
        "sd/1",
        Recipe(strength=0.3 + number / 100),
        number,
        verdicts,
        0.1 * number,
        {"torch": "2.10"},
        1.5 + number,
        f"a photo {number}",
        {"model": "org/sd", "revision": "abc", "license": "openrail"},
        "cpu",
        0.25,
    )


def cache_of(folder: Path, samples: Sequence[Sample]) -> Path:
    """Return the folder of a cache of these samples; the last is the first by key."""
    records = [(key_of(1000 - number), sample, made_of(number)) for number, sample in enumerate(samples)]
    with CacheWriter(folder, fingerprint="sd/1", identity="sd on toys", max_bytes=1 << 26) as writer:
        writer.set_judged_by("gates")
        writer.put(records)
    return folder


def of_classes(*labels: Target, channels: int = 3) -> list[Sample]:
    return [Sample(image_of(number, (channels, 6, 5)), label) for number, label in enumerate(labels)]


def of_masks() -> list[Sample]:
    images = [image_of(number, (3, 3, 4)) for number in range(4)]
    masks = [MASK, Mask(MASK.to(torch.uint8)), MASK - 100, MASK * 200]
    return [Sample(image, mask) for image, mask in zip(images, masks, strict=True)]


def contents(folder: Path) -> dict[bytes, tuple[Sample, Provenance]]:
    with CacheReader(folder) as reader:
        keys = [entry.key for entry in reader.entries()]
        return {key: (sample, reader.provenance(key)) for key, sample in zip(keys, reader.gather(keys), strict=True)}
