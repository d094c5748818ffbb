from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from genaug_data.sample import Request
from genaug_data.testing import Violation, check_worker
from genaug_data.workers import Budget, InlineWorker, Job, ProcessWorker, WorkerStats
from genaug_data.workers.base import Accepted, Broken, Event, Evicted, Failed, Ready, Withdrawn


@pytest.mark.parametrize("kind", [InlineWorker, ProcessWorker])
def test_ours_pass(kind: type) -> None:
    check_worker(kind)


class Filtered(InlineWorker):
    """Says what happened otherwise than it did."""

    def poll(self) -> list[Event]:
        return [told for event in super().poll() for told in self.told(event)]

    def told(self, event: Event) -> list[Event]:
        return [event]


class ReadyTwice(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [event, event] if isinstance(event, Ready) else [event]


class NeverReady(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [] if isinstance(event, Ready) else [event]


class AnswersTwice(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [event, event] if isinstance(event, Accepted) else [event]


class AnswersNever(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [] if isinstance(event, Failed) else [event]


class AnswersOthers(Filtered):
    def told(self, event: Event) -> list[Event]:
        if not isinstance(event, Accepted):
            return [event]
        return [event, Accepted(Request(99, 99, event.request.recipe, 0), event.key)]


class AcceptsAll(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [Accepted(event.request, b"k" * 16) if isinstance(event, Failed) else event]


class FailsAll(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [Failed(event.request, "no") if isinstance(event, Accepted) else event]


class NamesOtherKeys(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [Accepted(event.request, event.key[::-1]) if isinstance(event, Accepted) else event]


class MakesAgain(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [Accepted(event.request, event.key) if isinstance(event, Accepted) else event]


class EvictsSilently(Filtered):
    def told(self, event: Event) -> list[Event]:
        return [] if isinstance(event, Evicted) else [event]


class EvictsNothing(InlineWorker):
    def evict(self, keys: Sequence[bytes]) -> None:
        self._news.append(Evicted(tuple(keys)))


class TakesAll(InlineWorker):
    def __init__(self, job: Job, budget: Budget) -> None:
        super().__init__(job, budget, capacity=10**6)


class TakesNone(InlineWorker):
    def submit(self, requests: Sequence[Request]) -> int:
        return super().submit(requests[1:])


class NeverCloses(InlineWorker):
    def close(self) -> None:
        pass


class ClosesSlowly(InlineWorker):
    def close(self) -> None:
        time.sleep(0.3)
        super().close()


class TakesWhenClosed(InlineWorker):
    def submit(self, requests: Sequence[Request]) -> int:
        return super().submit(requests) or len(requests)


class StartsOnce(InlineWorker):
    def start(self) -> None:
        if self._state == "idle":
            super().start()


class PollsSlowly(InlineWorker):
    def poll(self) -> list[Event]:
        time.sleep(0.3)
        return super().poll()


class IgnoresWithdrawals(InlineWorker):
    def withdraw(self, requests: Sequence[Request]) -> None:
        pass


class WithdrawsOthers(InlineWorker):
    def withdraw(self, requests: Sequence[Request]) -> None:
        super().withdraw(list(self._account.outstanding.values()))


class SaysWithdrawn(Filtered):
    """Makes what was withdrawn, and says that it did not."""

    def withdraw(self, requests: Sequence[Request]) -> None:
        self.withdrawn = {request.place for request in requests}

    def told(self, event: Event) -> list[Event]:
        if isinstance(event, Accepted) and event.request.place in getattr(self, "withdrawn", ()):
            return [Withdrawn(event.request)]
        return [event]


class Overspends(InlineWorker):
    def __init__(self, job: Job, budget: Budget) -> None:
        super().__init__(job, Budget())


class OverspendsLater(InlineWorker):
    """Forgets what was spent."""

    def submit(self, requests: Sequence[Request]) -> int:
        self._account.images = 0
        return super().submit(requests)


class Breaks(InlineWorker):
    def poll(self) -> list[Event]:
        return [Broken("it had enough")]


class CountsWrong(InlineWorker):
    def stats(self) -> WorkerStats:
        found = super().stats()
        more = 5 * found.outstanding if found.outstanding > 100 else found.outstanding
        return WorkerStats(found.state, more, found.images, found.seconds)


class NeverBusy(InlineWorker):
    def busy_seconds(self) -> float | None:
        return 0.0 if self._state == "ready" else None


class LearnsNothing(InlineWorker):
    def learn(self, snapshot: Path) -> None:
        return


class KnowsNoTime(InlineWorker):
    def busy_seconds(self) -> float | None:
        return None


FAULTY: dict[Callable, str] = {
    ReadyTwice: "starting twice made it ready 2 times",
    NeverReady: "the worker did not get ready within 1 s",
    AnswersTwice: r"the request \(3, 0\) got 2 answers; give exactly one",
    AnswersNever: r"the request \(5, 0\) got 0 answers; give exactly one",
    AnswersOthers: r"there is an answer to \[\(99, 99\)\], which nobody asked for",
    AcceptsAll: "the request for parent 5 was answered by Accepted instead of Failed",
    FailsAll: "the request for parent 3 was answered by Failed instead of Accepted",
    NamesOtherKeys: r"the variant of parent \[3\] was accepted and is not in the cache",
    MakesAgain: r"a repeated order while it runs was answered by made=\[True, True\]",
    EvictsSilently: "the worker did not confirm an eviction by Evicted within 1 s",
    EvictsNothing: "2 variants whose eviction was confirmed are still in the cache",
    TakesAll: "5000 of 5000 requests were taken at once",
    TakesNone: "4 of 5 requests were taken by an idle worker",
    NeverCloses: "after close the state is 'ready'",
    ClosesSlowly: r"close took 0.\d s; stop within 0.2 s",
    TakesWhenClosed: "1 requests were taken after close; take none",
    StartsOnce: "the worker did not get ready after close and start within 1 s",
    PollsSlowly: r"poll took 0.\d s; return at once",
    IgnoresWithdrawals: "none of 8 requests that were withdrawn before the start was confirmed",
    WithdrawsOthers: r"the request \[\(0, 50\)\] was confirmed as withdrawn without being asked for",
    SaysWithdrawn: r"the request \[.*\] was confirmed as withdrawn and its variant is in the cache",
    Overspends: "a budget of 3 images let 6 requests be taken",
    OverspendsLater: "a budget of 3 images let 0 be made and 2 more be ordered",
    Breaks: r"the worker gave up: \['it had enough'\]",
    NeverBusy: "busy_seconds was 0.0 before a variant was made and 0.0 behind; count",
    KnowsNoTime: "busy_seconds is None once it is ready; count the seconds of generation",
    LearnsNothing: r"was judged by ''; show the gates each snapshot before what is ordered after it",
    CountsWrong: "1280 requests are outstanding after 256 were taken",
}


@pytest.mark.parametrize("kind", FAULTY)
def test_a_violator_is_caught(kind: Callable) -> None:
    bounds = {PollsSlowly: {"at_once": 0.2}, ClosesSlowly: {"closing": 0.2}}.get(kind, {})
    seconds = 1.0 if "within 1 s" in FAULTY[kind] else 30.0
    with pytest.raises(Violation, match=FAULTY[kind]):
        check_worker(kind, seconds=seconds, **bounds)
