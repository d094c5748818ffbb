"""A cache that went on after a state was saved, brought back to what the state knows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from genaug_data.cache import CacheReader
from genaug_data.sample import Request
from genaug_data.workers.base import Accepted, Answer, Event, Evicted, Worker

_ATTEMPTS = 10


def reconcile(
    keys: Iterable[bytes], lineage: Mapping[bytes, Request], worker: Worker, reader: CacheReader
) -> tuple[list[bytes], list[Event]]:
    """Evict what a state does not know, make again what it knows and the cache has not, and wait for both.

    A variant is a function of its request, so that one that was evicted after the state was saved comes back as it
    was. None of it is booked: what an earlier part of the run has done was booked there.

    Args:
        keys: of the variants that the state knows.
        lineage: the requests that they were made for.
        worker: ready, with nothing on order.
        reader: of the cache.

    Returns:
        Keys of variants that could not be made again, and the news that are no answers.
    """
    wanted = dict.fromkeys(keys)
    present = {entry.key for entry in reader.entries()}
    news: list[Event] = []
    before = worker.stats()
    worker.evict(sorted(present - wanted.keys()))
    _wait(worker, news)
    missing = [key for key in wanted if key not in present]
    orders = [lineage[key] for key in missing if key in lineage]
    # The budget has paid for them already.
    worker.account_for(-len(orders) * _ATTEMPTS, float("-inf"))
    while orders and (taken := worker.submit(orders)):
        del orders[:taken]
        _wait(worker, news)
    worker.account_for(before.images, before.seconds)
    made = {event.key for event in news if isinstance(event, Accepted)}
    lost = [key for key in missing if key not in made]
    return lost, [event for event in news if not isinstance(event, Answer | Evicted)]


def _wait(worker: Worker, news: list[Event]) -> None:
    while True:
        news.extend(worker.poll())
        stats = worker.stats()
        if not (stats.outstanding or stats.evicting) or stats.state not in ("starting", "ready"):
            return
        time.sleep(0.001)
