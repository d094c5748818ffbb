"""What a worker's news means for the catalogue, the planner, the trial ledger and the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from genaug_data.cache import CacheReader
from genaug_data.catalogue import Catalogue
from genaug_data.hardness import TrialLedger
from genaug_data.planner import Planner
from genaug_data.sample import Request
from genaug_data.sayings import Sayings
from genaug_data.workers.base import (
    Accepted,
    Answer,
    Broken,
    Event,
    Evicted,
    Failed,
    Full,
    Ready,
    Rejected,
    Warned,
    Withdrawn,
)

_KEPT_FAILURES = 100


class Intake:
    """Takes in events, one by one, and keeps what they change.

    Args:
        catalogue: of the variants that may be drawn.
        planner: counts the children of every parent.
        ledger: of the variants on trial.
        reader: of the cache.
        sayings: what the user should read.
        in_order: whether answers are taken in as the requests were ordered, whatever the order in which they come, so
            that a run does not depend on how a worker groups its work or on its deaths.

    Attributes:
        counts: of everything that happened to requests and variants; "requested" is the sum of their outcomes and of
            those on order.
        failures: the last 100 requests that failed for good, with their tracebacks.
        on_order: requests without an answer so far, by their place.
        full: whether there was no room on the file system since this was last set to False.
        full_in_a_row: pauses for want of room since a variant was last made.
        lineage: the requests that variants in the cache were made for, as far as this process has seen them.
        leaving: variants that have been taken out of the catalogue and are still in the cache, and whether the worker
            was asked to evict them.
        adopts: whether what is found in the cache once it is open may be drawn.
        freed: whether a withdrawal has made room for other requests since this was last set to False.
        follows: whether another process writes to the cache, so that what it adds is to be looked for.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        planner: Planner,
        ledger: TrialLedger,
        reader: CacheReader,
        sayings: Sayings,
        in_order: bool = False,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[Failed] = []
        self.on_order: dict[tuple[int, int], Request] = {}
        self.lineage: dict[bytes, Request] = {}
        self.leaving: dict[bytes, bool] = {}
        self.adopts = True
        self.full = False
        self.full_in_a_row = 0
        self.freed = False
        self.follows = False
        self._catalogue = catalogue
        self._planner = planner
        self._ledger = ledger
        self._reader = reader
        self._sayings = sayings
        self._in_order = in_order
        self._early: dict[tuple[int, int], Answer] = {}
        self._evicted_early: set[bytes] = set()
        self._was_ready = False
        self._forgotten: frozenset[int] = frozenset()

    def ordered(self, request: Request) -> None:
        """Note that a worker took a request."""
        self._planner.ordered(request)
        self.on_order[request.place] = request
        self.counts["requested"] += 1

    def note(self, event: Event) -> None:
        """Take in one event; an answer that comes out of order is taken in when those before it have come."""
        if not self._in_order or not isinstance(event, Answer) or event.request.place not in self.on_order:
            self._note(event)
            return
        self._early[event.request.place] = event
        while (first := next(iter(self.on_order), None)) is not None and first in self._early:
            self._note(self._early.pop(first))

    def _note(self, event: Event) -> None:
        if isinstance(event, Answer) and self.on_order.pop(event.request.place, None) is None:
            # Its order was given up meanwhile, and is no longer counted.
            self._planner.ordered(event.request)
        match event:
            case Ready(_, remark):
                if remark:
                    self._sayings.add(remark)
                if self.adopts and not (self._in_order and self._was_ready):
                    self.adopt()
                # After a restart, what has come since is known from its answer, in its turn.
                self._was_ready = True
            case Accepted():
                self._accepted(event)
            case Rejected(request, gate, _):
                self.counts[f"rejected by {gate}"] += 1
                self._planner.refused(request)
            case Failed():
                self._failed(event)
            case Withdrawn(request):
                self.counts["withdrawn"] += 1
                self._planner.dropped(request)
                self.freed = True
            case Evicted(keys):
                self.counts["evicted"] += len(keys)
                early = {answer.key for answer in self._early.values() if isinstance(answer, Accepted)}
                self._evicted_early.update(early.intersection(keys))
                self.forget(keys)
                for key in keys:
                    self.lineage.pop(key, None)
                    self.leaving.pop(key, None)
            case Full(reason):
                self.full = True
                # An eviction may have found no room either; it is asked for again.
                self.leaving = dict.fromkeys(self.leaving, False)
                self._sayings.add(f"generation pauses: {reason}")
            case Warned(reason):
                self._sayings.add(reason)
            case Broken(reason, readable):
                self._broken(reason, readable)

    def adopt(self) -> None:
        """Let what is in the cache, and nothing else, be drawn: it was looked at when it was opened for writing."""
        entries = self._reader.entries()
        present = {entry.key for entry in entries}
        self.forget([key for key, _, _ in self._catalogue.items() if key not in present])
        for entry in entries:
            if entry.key in self.leaving or entry.parent not in range(self._planner.size):
                continue
            if entry.parent in self._forgotten:
                continue
            if self._catalogue.add(entry.parent, entry.key):
                self._planner.adopt(entry.parent, entry.variant)
                self._ledger.enter([entry.key])

    def leave(self, keys: Iterable[bytes]) -> None:
        """Take variants out of what is published next; they are evicted when no slot can show them any more."""
        keys = list(keys)
        self.forget(keys)
        self.leaving.update(dict.fromkeys(keys, False))

    def request_of(self, key: bytes) -> Request | None:
        """Return the request that a variant was made for, read from its record if need be; None if that is damaged."""
        if key not in self.lineage:
            made = self._reader.provenance(key)
            if made is None:
                return None
            self.lineage[key] = Request(made.parent, made.variant, made.recipe, made.seed, made.hardness)
        return self.lineage[key]

    def forget(self, keys: Iterable[bytes]) -> None:
        """Note that variants are gone, or about to go."""
        keys = list(keys)
        for parent, children in self._catalogue.discard(keys).items():
            self._planner.lost(parent, children)
        self._ledger.forget(keys)

    def forget_parents(self, parents: Collection[int]) -> int:
        """Let no variant of these parents be ordered, drawn or adopted any more; returns how many were known."""
        self._planner.forget(parents)
        self._forgotten = frozenset(parents)
        gone = {key for key, parent, _ in self._catalogue.items() if parent in parents}
        known = len(gone)
        gone |= {key for key, request in self.lineage.items() if request.parent in parents}
        self.forget(gone)
        for key in gone:
            self.lineage.pop(key, None)
            self.leaving.pop(key, None)
        self._catalogue.lineup.drop(parents)
        return known

    def restore(self, counts: Counter[str], lineage: dict[bytes, Request], leaving: Iterable[bytes]) -> None:
        """Take over what a saved run knew; its orders were dropped when it was saved."""
        self.counts, self.lineage = counts, lineage
        self.leaving = dict.fromkeys(leaving, False)
        self.on_order.clear()
        self._early.clear()

    def drop_orders(self) -> None:
        """Note that no answer will come to what is on order, but for those that have come out of order."""
        while self._early:
            self._note(self._early.pop(next(iter(self._early))))
        # As a saved state drops them: the last first.
        for request in reversed(self.on_order.values()):
            self._planner.dropped(request)
        self.counts["unanswered"] += len(self.on_order)
        self.on_order.clear()

    def _accepted(self, event: Accepted) -> None:
        request, key = event.request, event.key
        self.counts["accepted" if event.made else "found"] += 1
        self._planner.accepted(request)
        self.full_in_a_row = 0
        if key in self._evicted_early:
            # It has left the cache while its answer waited for its turn.
            self._evicted_early.remove(key)
            self._planner.lost(request.parent, 1)
            return
        self.lineage[key] = request
        if not self._catalogue.add(request.parent, key):
            self._planner.lost(request.parent, 1)
        self._ledger.enter([key])

    def _failed(self, event: Failed) -> None:
        self.counts["failed"] += 1
        if not event.final:
            self._planner.dropped(event.request)
            return
        self._planner.refused(event.request)
        if not self.failures:
            last = event.reason.strip().splitlines()[-1]
            self._sayings.add(
                f"a variant of example {event.request.parent} could not be made ({last}); others that fail are counted "
                "in stats() without another warning"
            )
        self.failures.append(event)
        del self.failures[:-_KEPT_FAILURES]

    def _broken(self, reason: str, readable: bool) -> None:
        self.drop_orders()
        self.follows = readable
        if readable:
            self.adopt()
        rest = "real and cached samples" if len(self._catalogue) else "real samples alone"
        self._sayings.add(f"generation has ended, training goes on with {rest}: {reason}")
