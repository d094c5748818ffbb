"""Writers of a cache that end with their test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.cache import CacheWriter


@pytest.fixture
def writer(tmp_path: Path) -> Callable[..., CacheWriter]:
    opened = []

    def make(**arguments: object) -> CacheWriter:
        arguments = {"fingerprint": "f", "identity": "i", "max_bytes": 1 << 22} | arguments
        opened.append(CacheWriter(tmp_path / "cache", **arguments))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
