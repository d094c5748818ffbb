"""Orders and their answers, for tests of every worker."""

from __future__ import annotations

import time

import pytest

from genaug_data.sample import Recipe, Request
from genaug_data.workers import InlineWorker, ProcessWorker, Worker
from genaug_data.workers.base import Answer, Event
from tests.toys import toy_samples

SAMPLES = toy_samples()


def requests_for(*parents: int, strength: float = 0.5) -> list[Request]:
    return [Request(parent, 0, Recipe(strength), 100 + parent, 1.0) for parent in parents]


def drain(worker: Worker, seconds: float = 60.0) -> list[Event]:
    """Poll until everything ordered is answered, or the worker gave up."""
    news, end = [], time.monotonic() + seconds
    while True:
        news += worker.poll()
        stats = worker.stats()
        if stats.state == "broken" or (stats.state == "ready" and not stats.outstanding):
            return news + worker.poll()
        assert time.monotonic() < end, f"the worker did not finish: {stats}, {news}"
        time.sleep(0.005)


def answers(news: list[Event]) -> dict[int, str]:
    return {e.request.parent: type(e).__name__ for e in news if isinstance(e, Answer)}


KINDS = pytest.mark.parametrize("kind", [InlineWorker, ProcessWorker])
