"""A worker in the training process itself: for tests, debugging and small deterministic studies."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from genaug_data.sample import Request
from genaug_data.workers.account import Account
from genaug_data.workers.base import Broken, Cost, Event, Job, WorkerStats
from genaug_data.workers.budget import Budget
from genaug_data.workers.production import Production
from genaug_data.workers.reins import Reins
from genaug_data.workers.rhythm import Rhythm

_GRACE = 2.0
"""Seconds that another thread has to leave its batch; a generator that does not say when it steps may take longer."""


class InlineWorker:
    """Works when it is polled, one call of the generator at a time, in the thread that polls.

    It rests between two calls of the generator, not within one: whoever polls would wait for that.

    Args:
        job: what to work with.
        budget: what it may take.
        capacity: requests that it holds at most.
        counts_found: whether variants found in the cache count as made ones do against the budget.
    """

    def __init__(self, job: Job, budget: Budget, capacity: int = 256, counts_found: bool = False) -> None:
        self._account = Account(budget, capacity, counts_found)
        self._reins = Reins()
        self._reins.duty = budget.duty
        self._rhythm = Rhythm(self._reins)
        self._production = Production(job, rhythm=self._rhythm)
        self._polling = threading.RLock()
        self._state = "idle"
        self._waiting: deque[list[Request]] = deque()
        self._running: Iterator[Event] = iter(())
        self._news: list[Event] = []
        self._snapshot: Path | None = None
        self._learned: Path | None = None

    def start(self) -> None:
        """Let the next :meth:`poll` set up."""
        if self._state in ("idle", "closed"):
            self._reins.is_stopped = False
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
        with self._polling:
            if self._state == "starting":
                self._set_up()
            elif self._state == "ready" and not self._rhythm.rest_left():
                self._learn()
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

    def set_duty(self, duty: float) -> None:
        """Let the generator be busy for this share of the time from now on."""
        self._reins.duty = duty

    def learn(self, snapshot: Path) -> None:
        """Let the next poll show the gates a snapshot of the model under training."""
        self._snapshot = snapshot

    def busy_seconds(self) -> float | None:
        """Return for how many seconds the generator was busy, up to this moment; None while it is not set up."""
        return self._reins.busy_seconds() if self._state == "ready" else None

    def close(self) -> None:
        """Close the cache; what was not worked on is dropped. :meth:`start` sets up anew."""
        self._reins.is_stopped = True
        # Another thread may be polling: it leaves its batch at the generator's next step.
        waited = self._polling.acquire(timeout=_GRACE)
        try:
            self._running = iter(())
            self._waiting.clear()
            self._account.outstanding.clear()
            self._production.close()
            self._state = "closed"
        finally:
            if waited:
                self._polling.release()

    def _learn(self) -> None:
        snapshot = self._snapshot
        if snapshot is not None and snapshot != self._learned:
            self._news.extend(self._production.learn(snapshot))
            self._learned = snapshot

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
                    return
            if not self._waiting or self._reins.is_stopped:
                return
            self._running = self._production.run(self._waiting.popleft())
