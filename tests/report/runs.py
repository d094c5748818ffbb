"""Folders as runs leave them, made without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from genaug_data.cache import CacheWriter
from genaug_data.history import FOLDER, HistoryWriter
from genaug_data.sample import Provenance, Recipe, Sample, Verdict
from genaug_data.seeding import torch_generator

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
LONG = "a very long name of a class that goes on " * 4


def picture(seed: int, size: int = 16, channels: int = 3) -> torch.Tensor:
    """Return an image, uint8, that only the seed decides."""
    return torch.randint(0, 256, (channels, size, size), dtype=torch.uint8, generator=torch_generator(seed))


def made(parent: int, number: int, *verdicts: Verdict, **others: Any) -> Provenance:
    """Return the provenance of a variant."""
    fields = {"device": "cpu", "seconds": 0.5, "created": 1.7e9 + number, "versions": {"torch": "2"}} | others
    return Provenance(parent, "00" * 16, number, "generator", Recipe(0.4), number, verdicts, 1 / (2 + parent), **fields)


def passed(leak: float) -> tuple[Verdict, ...]:
    """Return the verdicts of a variant that was accepted, at a distance from the protected images."""
    return Verdict("validity", 1.0, True), Verdict("leak", leak, True)


def fill(folder: Path, variants: int = 12, rejected: int = 5, prompt: str | None = None) -> None:
    """Fill a cache: three variants a parent, classes 0 to 2, distances 0.10, 0.11, ...; some rejected as leaks."""
    records = [
        (
            bytes([number] * 16),
            Sample(picture(number), number // 3 % 3),
            made(number // 3, number, *passed(0.1 + number / 100), prompt=prompt),
        )
        for number in range(variants)
    ]
    refusals = []
    for number in range(rejected):
        verdicts = (
            Verdict("validity", 1.0, True),
            Verdict("leak", number / 100, False, f"too near, {prompt or number}"),
        )
        refusals.append((made(number, 100 + number, *verdicts), Sample(picture(900 + number), 0)))
    parents = {number // 3: Sample(picture(500 + number // 3), number // 3 % 3) for number in range(variants)}
    with CacheWriter(folder, fingerprint="generator", identity="i", max_bytes=1 << 24) as writer:
        writer.put(records, parents)
        for number, (one, child) in enumerate(refusals):
            parent = Sample(picture(500 + one.parent), 0)
            writer.reject([(bytes([200 + number] * 16), one)], [(one, parent, child)])


def record(folder: Path, classes: list[str] | None = None, **summary: Any) -> None:
    """Write a history of three refreshes: 8 rows a step, a quarter asked for, none, an eighth and a quarter reached."""
    settings = {"ratio": 0.25, "size": 9, "classes": classes or [], "noise": None, "max_bytes": 1 << 24, "seed": 0}
    writer = HistoryWriter(folder / FOLDER, settings | {"policy": "latecomer", "mode": "async"})
    for step, synthetic in ((10, 0), (20, 10), (30, 30)):
        writer.note(
            {
                "step": step,
                "ratio asked": 0.25,
                "rows shown": 8 * step,
                "synthetic rows shown": synthetic,
                "synthetic": synthetic,
                "shortfall": 60 - synthetic,
                "loss, median": 3 - step / 20,
                "loss, hardest tenth": 4 - step / 20,
                "loss, easiest tenth": 1.0,
                "loss of parents": 3.5 - step / 20,
                "classified rightly": step / 40,
                "entropy": 0.5,
                "images made": 17,
                "seconds of generation": 9.5,
            }
        )
    writer.summarise(
        {
            "hardest": [{"index": 2, "priority": 0.5, "label": 2, "loss": 2.5}],
            "suspects": [{"index": 1, "label": 1, "suggested": 0, "score": 0.9}],
            "real per class": [3, 3, 3],
            "stats": {"evicted": 7},
            "usefulness": [],
            "said": [],
        }
        | summary
    )
    writer.close()
