"""Wrapped toy datasets that end with their test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.dataset import GenerativeAugmentDataset
from tests.toys import Noisy, toy_base


@pytest.fixture
def wrap(tmp_path: Path) -> Callable[..., GenerativeAugmentDataset]:
    opened = []

    def make(base: object = None, **arguments: object) -> GenerativeAugmentDataset:
        arguments.setdefault("cache", tmp_path / "cache")
        arguments.setdefault("generator", Noisy())
        arguments.setdefault("gates", [])
        arguments.setdefault("worker", "inline")
        arguments.setdefault("mode", "sync")
        arguments.setdefault("refresh_every", 2)
        arguments.setdefault("progress", False)
        opened.append(GenerativeAugmentDataset(toy_base(24) if base is None else base, **arguments))
        return opened[-1]

    yield make
    for train in opened:
        train.close()
