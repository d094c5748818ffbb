"""A worker in the training process itself: for tests, debugging and small deterministic studies."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence

from genaug_data.sample import Request
from genaug_data.workers.account import Account
from genaug_data.workers.base import Broken, Cost, Event, Job, WorkerStats
from genaug_data.workers.budget import Budget
from genaug_data.workers.production import Production


class InlineWorker:
    """Works when it is polled, one call of the generator at a time, in the thread that polls.

    Args:
        job: what to work with.
        budget: what it may take.
        capacity: requests that it holds at most.
        counts_found: whether variants found in the cache count as made ones do against the budget.
    """

    def __init__(self, job: Job, budget: Budget, capacity: int = 256, counts_found: bool = False) -> None:
        self._account = Account(budget, capacity, counts_found)
        self._production = Production(job)
        self._state = "idle"
        self._waiting: deque[list[Request]] = deque()
        self._running: Iterator[Event] = iter(())
        self._news: list[Event] = []
        self._rest_until = 0.0

    def start(self) -> None:
        """Let the next :meth:`poll` set up."""
        if self._state in ("idle", "closed"):
            self._state = "starting"

    def submit(self, requests: Sequence[Request]) -> int:
        """Take as many requests as there is room and budget for; they are worked on in order, as one list."""
        if self._state in ("broken", "closed"):
            return 0
        self.start()
        taken = self._account.take(requests)
        if taken:
            self._waiting.append(taken)
        return len(taken)

    def withdraw(self, requests: Sequence[Request]) -> None:
        """Take requests back; the next polls confirm it."""
        self._production.withdraw(requests)

    def evict(self, keys: Sequence[bytes]) -> None:
        """Remove variants from the cache at once."""
        if self._state == "ready" and keys:
            self._news.extend(self._production.evict(keys))

    def poll(self) -> list[Event]:
        """Do the next piece of work, if it is time for it, and return what happened."""
        if self._state == "starting":
            self._set_up()
        elif self._state == "ready" and time.monotonic() >= self._rest_until:
            self._work()
        news, self._news = self._news, []
        return news

    def stats(self) -> WorkerStats:
        """Return counts and state."""
        account = self._account
        return WorkerStats(self._state, len(account.outstanding), account.images, account.seconds)

    def account_for(self, images: int, seconds: float) -> None:
        """Let this be what was made and spent so far."""
        self._account.images, self._account.seconds = images, seconds

    def close(self) -> None:
        """Close the cache; what was not worked on is dropped. :meth:`start` sets up anew."""
        self._running = iter(())
        self._waiting.clear()
        self._account.outstanding.clear()
        self._production.close()
        self._state = "closed"

    def _set_up(self) -> None:
        outcome = self._production.setup()
        self._news.append(outcome)
        self._state = "ready"
        if isinstance(outcome, Broken):
            self._state = "broken"
            self._account.outstanding.clear()

    def _work(self) -> None:
        while True:
            for event in self._running:
                self._account.note(event)
                self._news.append(event)
                if isinstance(event, Cost):
                    if self._account.spent:
                        self.withdraw(list(self._account.outstanding.values()))
                    self._rest_until = time.monotonic() + self._account.budget.rest(event.seconds)
                    return
            if not self._waiting:
                return
            self._running = self._production.run(self._waiting.popleft())
