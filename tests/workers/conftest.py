"""Jobs, and a look for processes that stay behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genaug_data.workers import Job
from tests.toys import Noisy
from tests.workers.orders import SAMPLES


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def _no_child_stays_behind() -> Iterator[None]:
    # Those of earlier tests, such as the resource tracker of spawned DataLoader workers, are not ours.
    before = children()
    yield
    assert children() <= before


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    def make(generator: object = None, **arguments: object) -> Job:
        arguments.setdefault("gates", [])
        arguments.setdefault("max_bytes", 1 << 24)
        arguments.setdefault("batch_size", 4)
        return Job(
            SAMPLES, generator or Noisy(), folder=tmp_path / "cache", identity="toy", progress=False, **arguments
        )

    return make
