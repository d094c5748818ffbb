"""The cache brought back to what a run counts on: what it lost is made again, what the run does not know goes."""

from __future__ import annotations

from collections.abc import Iterable

from genaug_data.cache import CacheReader
from genaug_data.catalogue import Catalogue
from genaug_data.intake import Intake
from genaug_data.ordering import Ordering
from genaug_data.reconciliation import reconcile
from genaug_data.sayings import Sayings
from genaug_data.workers.base import Worker


class Repair:
    """Replaces what cannot be read, and returns a cache that went on to what a loaded state says of it.

    Args:
        catalogue: of the variants that may be drawn.
        intake: books what comes and goes.
        ordering: of requests.
        worker: fills the cache.
        reader: of it.
        sayings: what the user should read.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        intake: Intake,
        ordering: Ordering,
        worker: Worker,
        reader: CacheReader,
        sayings: Sayings,
    ) -> None:
        self._catalogue = catalogue
        self._intake = intake
        self._ordering = ordering
        self._worker = worker
        self._reader = reader
        self._sayings = sayings

    def replace(self, missing: Iterable[bytes]) -> None:
        """Drop those of ``missing`` that are known and cannot be read, and have them made again."""
        gone = [key for key in missing if key in self._catalogue and self._reader.gather([key])[0] is None]
        if gone:
            self._intake.counts["unreadable"] += len(gone)
            again = [request for key in gone if (request := self._intake.request_of(key)) is not None]
            self._intake.forget(gone)
            self._worker.evict(gone)
            self._ordering.order(again)

    def return_to_state(self) -> None:
        """Bring the cache to what a loaded state says of it."""
        self._intake.adopts = True
        if self._worker.stats().state != "ready":
            return
        children = [
            *sorted(self._catalogue.lineup.held()),
            *(key for key, _, _ in self._catalogue.items()),
            *self._intake.leaving,
        ]
        lost, news = reconcile(children, self._intake.lineage, self._worker, self._reader)
        for event in news:
            self._intake.note(event)
        if lost:
            self._intake.forget(lost)
            self._sayings.add(
                f"{len(lost)} variants that the loaded state knows could not be made again, so that this run differs "
                "from the one that was saved; a changed generator, gate or example, or a forgotten one, may be why"
            )
