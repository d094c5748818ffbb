"""The default worker: generation in one process of its own, watched, restarted and never waited for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import cloudpickle

from genaug_data.sample import Request
from genaug_data.workers.account import Account
from genaug_data.workers.base import (
    Accepted,
    Broken,
    Cost,
    Event,
    Evicted,
    Failed,
    Job,
    Ready,
    Rejected,
    Started,
    Warned,
    Withdrawn,
    WorkerStats,
)
from genaug_data.workers.budget import Budget
from genaug_data.workers.errands import Errand, Errands
from genaug_data.workers.outbox import Outbox
from genaug_data.workers.spawned import Spawned


class ProcessWorker:
    """One child of the trainer, started with its own interpreter, so scripts and notebooks need no main guard.

    The watchdog works inside :meth:`poll`. A child that dies, or says nothing for ``budget.patience`` seconds while it
    has work, is killed and started again after a pause that doubles; its unanswered requests are ordered again in the
    order in which they would have come, those it was working on one by one. A request that was being worked on in
    ``max_attempts`` deaths is quarantined. After ``max_restarts`` restarts without an answer in between, the worker
    gives up with one ``Broken``.

    Args:
        job: what to work with; pickled with cloudpickle at the start.
        budget: what it may take.
        capacity: requests that may be outstanding.
        counts_found: whether variants found in the cache count as made ones do against the budget.
        max_attempts: deaths of the child that one request may take part in.
        max_restarts: restarts in a row without any answer.
        backoff: seconds before the first restart.
    """

    def __init__(
        self,
        job: Job,
        budget: Budget,
        capacity: int = 256,
        counts_found: bool = False,
        max_attempts: int = 3,
        max_restarts: int = 5,
        backoff: float = 1.0,
    ) -> None:
        self._job = job
        self._account = Account(budget, capacity, counts_found)
        self._max_restarts = max_restarts
        self._backoff = backoff
        self._duty = budget.duty
        self._child: Spawned | None = None
        self._state = "idle"
        self._news: list[Event] = []
        self._errands = Errands(max_attempts)
        self._outbox = Outbox()
        self._working_on: tuple[Request, ...] = ()
        self._restarts = 0
        self._restarts_in_a_row = 0
        self._not_before = 0.0

    def start(self) -> None:
        """Let the next :meth:`poll` start the child: that takes as long as pickling the job and the child's imports."""
        if self._state in ("idle", "closed"):
            self._state = "starting"

    def submit(self, requests: Sequence[Request]) -> int:
        """Take as many requests as there is room and budget for; they are worked on in order, as one list."""
        if self._state in ("broken", "closed"):
            return 0
        self.start()
        self._begin_to_listen()
        taken = self._account.take(requests)
        if taken:
            self._errands.add(taken)
            self._outbox.errands.append(Errand(taken))
            self._send_waiting()
        return len(taken)

    def withdraw(self, requests: Sequence[Request]) -> None:
        """Have the child leave out those of ``requests`` that it has not begun."""
        self._outbox.withdraw(requests, self._account.outstanding)
        self._send_waiting()

    def evict(self, keys: Sequence[bytes]) -> None:
        """Have the child remove variants from the cache."""
        if keys and self._state in ("starting", "ready"):
            self._begin_to_listen()
            self._outbox.evict(keys)
            self._send_waiting()

    def poll(self) -> list[Event]:
        """Read the child's news, look after its health, and return what happened."""
        if self._child is not None:
            self._receive(self._child)
        if self._state in ("starting", "ready"):
            self._watch()
        if self._outbox.has_snapshot:
            self._send_waiting()
        news, self._news = self._news, []
        return news

    def stats(self) -> WorkerStats:
        """Return counts and state."""
        account = self._account
        return WorkerStats(
            self._state,
            len(account.outstanding),
            account.images,
            account.seconds,
            self._restarts,
            self._outbox.evicting,
        )

    def account_for(self, images: int, seconds: float) -> None:
        """Let this be what was made and spent so far."""
        self._account.images, self._account.seconds = images, seconds

    def set_duty(self, duty: float) -> None:
        """Let the generator be busy for this share of the time from now on."""
        # In this order: a child that another thread is just starting is given what is noted here.
        self._duty = duty
        child = self._child
        if child is not None:
            child.reins.duty = duty

    def learn(self, snapshot: Path) -> None:
        """Let the child show the gates a snapshot of the model under training, at the next poll or order."""
        # Only noted: the connection belongs to the thread that polls.
        self._outbox.snapshot = snapshot

    def busy_seconds(self) -> float | None:
        """Return for how many seconds the child was busy with variants, up to this moment; None while it starts."""
        child = self._child
        return None if child is None or self._state != "ready" else child.reins.busy_seconds()

    def close(self) -> None:
        """Ask the child to stop, and kill it if it is still there two seconds later; :meth:`start` begins anew."""
        # First of all, so that a child that another thread is just starting is stopped there.
        self._state = "closed"
        child, self._child = self._child, None
        if child is not None:
            try:
                child.ask_to_stop(grace=2.0)
                # What is in the cache is to be counted, too.
                self._receive(child)
            finally:
                # Also if a signal's handler raises meanwhile: PyTorch's does when a DataLoader worker was killed.
                child.kill()
        self._account.outstanding.clear()
        self._errands.clear()
        self._outbox.clear()

    @property
    def process_id(self) -> int | None:
        """Process id of the child, or None where there is none."""
        return None if self._child is None else self._child.process.pid

    def _pickled(self) -> bytes | None:
        try:
            with suppress(RuntimeError):
                # Another thread may read the dataset meanwhile: "dictionary changed size during iteration".
                return cloudpickle.dumps(self._job)
            return cloudpickle.dumps(self._job)
        except Exception as error:
            self._give_up(
                f"the dataset, the generator or a gate cannot be sent to the generation process ({error}); "
                "make it picklable or pass worker='inline'"
            )
            return None

    def _launch(self) -> None:
        payload = self._pickled()
        if payload is None or self._state == "closed":
            return
        self._child = child = Spawned()
        child.reins.duty = self._duty
        child.load(payload)
        if self._state == "closed":
            child.kill()
            self._child = None

    def _send_waiting(self) -> None:
        if self._state != "ready" or self._child is None:
            return
        try:
            self._outbox.send(self._child.connection)
        except OSError:
            # The child is dead; the watchdog sees it at the next poll and orders everything again.
            return

    def _receive(self, child: Spawned) -> None:
        try:
            while child.connection.poll():
                event = child.connection.recv()
                child.last_word = time.monotonic()
                if event is not None:
                    self._note(event)
        except (EOFError, OSError):
            child.hung_up = True

    def _note(self, event: Event) -> None:
        self._account.note(event)
        match event:
            case Started(requests):
                self._working_on = requests
                return
            case Ready():
                # Not a worker that is closed meanwhile: that one would be started again by the next poll.
                self._go_on_as("ready")
                self._send_waiting()
            case Evicted():
                # Also told of those that left to make room; a second eviction of a key does no harm.
                self._outbox.evicted()
                self._send_waiting()
            case Broken(reason, readable):
                self._give_up(reason, readable)
                return
            case Cost() if self._account.spent:
                self.withdraw(list(self._account.outstanding.values()))
            case Accepted() | Rejected() | Failed() | Withdrawn():
                if not isinstance(event, Withdrawn):
                    self._restarts_in_a_row = 0
                self._errands.answered(event.request.place)
                self._outbox.answered(event.request.place)
        self._news.append(event)

    def _watch(self) -> None:
        now = time.monotonic()
        if self._child is None:
            if now >= self._not_before:
                self._launch()
            return
        self._begin_to_listen()
        stalled = now - self._child.last_word > self._account.budget.patience
        if not stalled and not self._child.hung_up and self._child.process.poll() is None:
            return
        # What it said before its end counts.
        self._receive(self._child)
        if self._child is None:
            return
        child, self._child = self._child, None
        # A child that hung up is about to end by itself, with an exit code that says more than that of a kill.
        if not stalled:
            child.ask_to_stop(grace=1.0)
        child.kill()
        code = child.process.returncode
        cause = f"said nothing for {self._account.budget.patience:g} s" if stalled else f"ended with exit code {code}"
        self._restart(cause)

    def _begin_to_listen(self) -> None:
        """Let the silence of a child that has nothing to do count from now on."""
        is_busy = self._state == "starting" or self._account.outstanding or self._outbox.evicting
        if self._child is not None and not is_busy:
            self._child.last_word = time.monotonic()

    def _restart(self, cause: str) -> None:
        self._quarantine(cause)
        if self._restarts_in_a_row >= self._max_restarts:
            self._give_up(f"the generation process {cause}, after {self._restarts_in_a_row} restarts without a variant")
            return
        if self._restarts == 0:
            self._news.append(Warned(f"the generation process {cause}; it is started again, training goes on"))
        self._go_on_as("starting")
        self._not_before = time.monotonic() + min(self._backoff * 2**self._restarts_in_a_row, 30.0)
        self._restarts += 1
        self._restarts_in_a_row += 1
        self._outbox.address_anew(self._errands.left())

    def _quarantine(self, cause: str) -> None:
        suspects = [request for request in self._working_on if request.place in self._account.outstanding]
        self._working_on = ()
        for request in self._errands.count_death(suspects):
            failed = Failed(
                request, f"the generation process {cause} while it made this, {self._errands.max_attempts} times"
            )
            # No sign of life: a generator that dies of every request is given up all the same.
            self._account.note(failed)
            self._errands.answered(request.place)
            self._news.append(failed)

    def _go_on_as(self, state: str) -> None:
        if self._state != "closed":
            self._state = state

    def _give_up(self, reason: str, readable: bool = False) -> None:
        self._go_on_as("broken")
        self._account.outstanding.clear()
        self._outbox.drop_evictions()
        self._news.append(Broken(reason, readable))
        if self._child is not None:
            self._child.kill()
            self._child = None
