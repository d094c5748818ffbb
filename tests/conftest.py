"""Wrapped toy datasets that end with their test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.recipes import RecipePolicy
from tests.resuming import SIZE, Trainer
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


@pytest.fixture
def start(wrap: Callable, tmp_path: Path) -> Callable[..., Trainer]:
    def make(name: str, **arguments: Any) -> Trainer:
        # Small enough that variants are evicted, and retired, in these few steps.
        settings = {
            "ratio": 0.5,
            "refresh_every": 4,
            "max_bytes": 24_000,
            "parent_share": 1.0,
            "recipes": RecipePolicy(strength=(0.5, 0.5)),
        }
        loader = {
            key: arguments.pop(key) for key in ("loader", "num_workers", "persistent_workers") if key in arguments
        }
        train = wrap(toy_base(SIZE), cache=tmp_path / name, **settings | arguments)
        return Trainer(train, **loader)

    return make
