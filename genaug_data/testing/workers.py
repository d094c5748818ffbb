"""What every worker must keep: it takes orders and answers each once, and nobody waits for it."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from genaug_data.cache import CacheReader
from genaug_data.gates import Gate
from genaug_data.gates.snapshot import Snapshot
from genaug_data.sample import Recipe, Request, Sample, Verdict
from genaug_data.testing.parts import Speckled, some_requests, some_samples
from genaug_data.testing.rules import require
from genaug_data.workers import Budget, Job, Worker
from genaug_data.workers.base import Accepted, Answer, Broken, Event, Evicted, Failed, Ready, Withdrawn

_MANY = 5000
_REFUSED = 5


def check_worker(
    make: Callable[[Job, Budget], Worker], *, seconds: float = 60.0, at_once: float = 10.0, closing: float = 10.0
) -> None:
    """Check that a worker keeps the contract of :class:`~genaug_data.workers.Worker`.

    Args:
        make: returns a new worker, not started: its class, as a rule.
        seconds: that starting, or answering a dozen requests, may take.
        at_once: seconds that any single call other than ``close`` may take; generous, for a busy machine.
        closing: seconds that ``close`` may take.

    Raises:
        Violation: a rule is broken; the sentence says which.

    Example:
        >>> from genaug_data.workers import InlineWorker
        >>> check_worker(InlineWorker)
    """
    with tempfile.TemporaryDirectory() as folder:
        course = _Course(make(_job(Path(folder)), Budget()), Path(folder), seconds, at_once)
        try:
            course.begin()
            keys = course.answers()
            course.repeats("while it runs")
            course.counts_its_time()
            course.learns()
            course.evicts(keys)
            course.fills_up()
            course.closes(closing)
            course.begins_again()
        finally:
            course.worker.close()
        course = _Course(make(_job(Path(folder)), Budget()), Path(folder), seconds, at_once)
        try:
            course.withdraws()
        finally:
            course.worker.close()
    with tempfile.TemporaryDirectory() as folder:
        course = _Course(make(_job(Path(folder)), Budget(images=3)), Path(folder), seconds, at_once)
        try:
            course.stays_within(3)
        finally:
            course.worker.close()


def _job(folder: Path) -> Job:
    return Job(
        some_samples(),
        Speckled(refused=(_REFUSED,)),
        gates=[_ByTheNewest()],
        folder=folder,
        identity="conformance",
        max_bytes=1 << 24,
        batch_size=2,
        progress=False,
    )


class _ByTheNewest(Gate):
    """Lets everything pass, and names the snapshot that it was shown last."""

    name, cost = "by_the_newest", 1.0

    def __init__(self) -> None:
        self._newest = ""

    @property
    def heeds_snapshots(self) -> bool:
        return True

    def learn(self, snapshot: Snapshot) -> None:
        self._newest = snapshot.name

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        return [self.verdict(1.0, details={"snapshot": self._newest}) for _ in children]


class _Course:
    """A worker on trial, and the patience that one has with it."""

    def __init__(self, worker: Worker, folder: Path, seconds: float, at_once: float) -> None:
        self.worker, self._folder, self._seconds, self._at_once = worker, folder, seconds, at_once
        self._made: dict[int, bytes] = {}

    def begin(self) -> None:
        self._call("start")
        self._call("start")
        news = self._until(lambda news: any(isinstance(event, Ready) for event in news), "get ready")
        ready = sum(isinstance(event, Ready) for event in news)
        require(ready == 1, f"starting twice made it ready {ready} times; let a second start do nothing")

    def answers(self) -> dict[int, bytes]:
        requests = some_requests(3, 1, _REFUSED, 7, 2)
        news = self._order(requests)
        self._require_one_answer_each(requests, news)
        for event in news:
            if isinstance(event, Answer):
                expected = Failed if event.request.parent == _REFUSED else Accepted
                require(
                    isinstance(event, expected),
                    f"the request for parent {event.request.parent} was answered by {type(event).__name__} instead of "
                    f"{expected.__name__}; one bad request must neither pass nor take its batch along",
                )
        self._made = {event.request.parent: event.key for event in news if isinstance(event, Accepted)}
        with CacheReader(self._folder) as reader:
            missing = [parent for parent, key in self._made.items() if reader.gather([key])[0] is None]
        require(not missing, f"the variant of parent {missing[:1]} was accepted and is not in the cache; put it there")
        return self._made

    def repeats(self, when: str) -> None:
        requests = some_requests(3, 1)
        news = self._order(requests)
        self._require_one_answer_each(requests, news)
        again = [event.made for event in news if isinstance(event, Accepted)]
        require(
            again == [False, False],
            f"a repeated order {when} was answered by made={again}; find what is in the cache, and say made=False",
        )

    def counts_its_time(self) -> None:
        before = self._call("busy_seconds")
        require(before is not None, "busy_seconds is None once it is ready; count the seconds of generation")
        self._call("set_duty", 0.5)
        self._order(some_requests(4))
        self._call("set_duty", 1.0)
        after = self._call("busy_seconds")
        require(
            after is not None and after > before,
            f"busy_seconds was {before} before a variant was made and {after} behind; count the seconds of generation",
        )

    def learns(self) -> None:
        for step in (1, 2):
            snapshot = Snapshot.of({"weight": torch.full((2,), float(step))}, step)
            self._call("learn", snapshot.write(self._folder / "snapshots"))
            news = self._order([Request(step, 20, Recipe(0.5), 70 + step)])
            [key] = [event.key for event in news if isinstance(event, Accepted)]
            with CacheReader(self._folder) as reader:
                made = reader.provenance(key)
            found = None if made is None else made.verdicts[0].details["snapshot"]
            require(
                found == snapshot.name,
                f"a variant that was ordered after learn({snapshot.name!r}) was judged by {found!r}; show the gates "
                "each snapshot before what is ordered after it",
            )

    def evicts(self, keys: dict[int, bytes]) -> None:
        gone = [keys[7], keys[2]]
        self._call("evict", gone)
        self._until(
            lambda news: set(gone) <= {key for event in news if isinstance(event, Evicted) for key in event.keys},
            "confirm an eviction by Evicted",
        )
        with CacheReader(self._folder) as reader:
            left = sum(found is not None for found in reader.gather(gone))
        require(left == 0, f"{left} variants whose eviction was confirmed are still in the cache; remove them first")

    def fills_up(self) -> None:
        requests = [Request(place % 4, 100 + place, Recipe(0.5), 10_000 + place) for place in range(_MANY)]
        taken = self._call("submit", requests)
        require(
            0 < taken < len(requests),
            f"{taken} of {len(requests)} requests were taken at once; take what there is room for, and refuse the rest",
        )
        outstanding = self.worker.stats().outstanding
        require(
            outstanding <= taken, f"{outstanding} requests are outstanding after {taken} were taken; count them once"
        )

    def closes(self, closing: float) -> None:
        for _ in range(2):
            started = time.monotonic()
            self.worker.close()
            took = time.monotonic() - started
            require(took < closing, f"close took {took:.1f} s; stop within {closing:g} s, whatever is being made")
        stats = self.worker.stats()
        require(
            stats.state == "closed" and stats.outstanding == 0,
            f"after close the state is {stats.state!r} with {stats.outstanding} requests outstanding; drop them",
        )
        taken = self._call("submit", some_requests(4))
        require(taken == 0, f"{taken} requests were taken after close; take none until it is started again")

    def begins_again(self) -> None:
        self._call("start")
        self._until(lambda news: any(isinstance(event, Ready) for event in news), "get ready after close and start")
        self.repeats("after close and start")

    def withdraws(self) -> None:
        requests = [Request(place % 4, 50 + place, Recipe(0.5), 5000 + place) for place in range(16)]
        taken = self._call("submit", requests)
        require(taken == 16, f"{taken} of 16 requests were taken by an idle worker; take what there is room for")
        # Before anything can have been made.
        self._call("withdraw", requests[8:])
        news = self._until(lambda news: self._is_idle(), "answer requests of which half were withdrawn")
        self._require_one_answer_each(requests, news)
        back = {event.request.place for event in news if isinstance(event, Withdrawn)}
        wrong = sorted(back - {request.place for request in requests[8:]})
        require(not wrong, f"the request {wrong[:1]} was confirmed as withdrawn without being asked for; make it")
        require(
            len(back) > 0,
            "none of 8 requests that were withdrawn before the start was confirmed by Withdrawn; leave them out",
        )
        with CacheReader(self._folder) as reader:
            made = sorted(back & {(entry.parent, entry.variant) for entry in reader.entries()})
        require(not made, f"the request {made[:1]} was confirmed as withdrawn and its variant is in the cache")

    def stays_within(self, images: int) -> None:
        taken = self._call("submit", some_requests(0, 1, 2, 3, 4, 6))
        require(
            taken <= images,
            f"a budget of {images} images let {taken} requests be taken; take no more than are paid for",
        )
        self._until(lambda news: self._is_idle(), "answer the requests that it took")
        more = self._call("submit", some_requests(8, 9))
        made = self.worker.stats().images
        require(
            made <= images and taken + more <= images,
            f"a budget of {images} images let {made} be made and {more} more be ordered; stop where it is spent",
        )

    def _order(self, requests: Sequence[Request]) -> list[Event]:
        taken = self._call("submit", requests)
        require(
            taken == len(requests),
            f"{taken} of {len(requests)} requests were taken by an idle worker; take all of them",
        )
        return self._until(lambda news: self._is_idle(), f"answer {len(requests)} requests")

    def _is_idle(self) -> bool:
        stats = self.worker.stats()
        return stats.state == "ready" and not stats.outstanding

    def _until(self, done: Callable[[list[Event]], bool], what: str) -> list[Event]:
        news: list[Event] = []
        end = time.monotonic() + self._seconds
        while True:
            news += self._call("poll")
            broken = [event.reason for event in news if isinstance(event, Broken)]
            require(not broken, f"the worker gave up: {broken[:1]}; see to what it says")
            if done(news):
                return news + self._call("poll")
            require(
                time.monotonic() < end,
                f"the worker did not {what} within {self._seconds:g} s: {self.worker.stats()}; answer every request, "
                "and say what happened from poll",
            )
            time.sleep(0.002)

    def _call(self, name: str, *arguments: Any) -> Any:
        started = time.monotonic()
        found = getattr(self.worker, name)(*arguments)
        took = time.monotonic() - started
        require(
            took < self._at_once,
            f"{name} took {took:.1f} s; return at once, as the training loop calls it (at most {self._at_once:g} s)",
        )
        return found

    def _require_one_answer_each(self, requests: Sequence[Request], news: Sequence[Event]) -> None:
        counts = Counter(event.request.place for event in news if isinstance(event, Answer))
        for request in requests:
            found = counts.pop(request.place, 0)
            require(found == 1, f"the request {request.place} got {found} answers; give exactly one for each taken")
        require(not counts, f"there is an answer to {list(counts)[:1]}, which nobody asked for")
