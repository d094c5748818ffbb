"""Observe, select, request, collect: what keeps the variants of hard examples coming while training goes on."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch

from genaug_data.background import Background
from genaug_data.cache import CacheReader
from genaug_data.errors import CacheError, WorkerError, brief
from genaug_data.feedback import Feedback
from genaug_data.in_flight import InFlight
from genaug_data.journal import JournalWriter
from genaug_data.meta import SampleMeta
from genaug_data.pacing import Pacing
from genaug_data.recording import Recording
from genaug_data.refresher import Refresher
from genaug_data.sample import Request
from genaug_data.sayings import Sayings
from genaug_data.workers.base import Event, Worker

_PUBLISH_SECONDS = 0.25
_IDLE_SECONDS = 1.0


class AugmentationLoop:
    """Turns feedback into priorities, priorities into requests, and a worker's news into the catalogue.

    In mode "async" all of it happens in one background thread and the training thread never waits. In mode "sync" it
    happens inside :meth:`observe`, which at every refresh waits until the requested variants are there, so that a run
    is a function of its seed. There, what a refresh brings is shown from ``refresh_every`` steps later on, and what it
    takes away is evicted then, so that DataLoader workers may draw as far ahead.

    Args:
        refresher: decides whose variants are ordered, shown and retired.
        feedback: where observations go.
        worker: makes the variants.
        reader: of the cache that the worker fills.
        in_flight: what the sampler has drawn and the training step not observed.
        journal: notes what could not be shown.
        sayings: what the user should read.
        pacing: keeps generation from slowing training down.
        mode: "async" or "sync".
        refresh_every: steps between two refreshes.
        generate: False only observes, because no slot is going to show a variant.
        forgotten: returns the indices of examples that nothing may be made from any more.
    """

    def __init__(
        self,
        refresher: Refresher,
        *,
        feedback: Feedback,
        worker: Worker,
        reader: CacheReader,
        in_flight: InFlight,
        journal: JournalWriter | None,
        sayings: Sayings,
        pacing: Pacing,
        mode: Literal["async", "sync"],
        refresh_every: int,
        generate: bool = True,
        forgotten: Callable[[], frozenset[int]] = frozenset,
    ) -> None:
        self.refresher = refresher
        self.feedback = feedback
        self.worker = worker
        self.in_flight = in_flight
        self.journal = journal
        self.steps = 0
        self._reader = reader
        self._mode = mode
        self._refresh_every = refresh_every
        self._generate = generate
        self._forgotten = forgotten
        self._observed = 0
        self._next_idle = 0.0
        self.first_step = 0
        self._published_at = 0.0
        self._unpublished = False
        self.sayings = sayings
        self.pacing = pacing
        self.recording: Recording | None = None
        self._events: deque[Event] = deque()
        # Held while the books are worked on: the loop's thread does so, and a warm-up in the user's.
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._background = Background(lambda: self._guarded(self._tick))
        self._started = False
        self._closed = False
        self._is_restored = False

    def start(self) -> None:
        """Start worker and thread, also anew after :meth:`close`; idempotent.

        In mode "sync" the worker is ready when this returns.
        """
        self.sayings.speak()
        if self._started:
            return
        self._started, self._closed = True, False
        self.first_step = self.steps
        self._drop_forgotten()
        if self._generate:
            self.worker.start()
        if self._mode == "sync":
            self._wait(lambda: self._is_setting_up)
        self.refresher.begin(is_restored=self._is_restored)
        self._is_restored = False
        if self._mode == "async":
            self._background.start()

    def start_unless_closed(self) -> None:
        """Start at the first draw of a pass of the sampler, but not again once the user has closed this."""
        self.pacing.begin_pass()
        if not self._closed:
            self.start()

    @property
    def is_started(self) -> bool:
        """Whether this runs."""
        return self._started

    @property
    def course(self) -> dict[str, str | int | float | None]:
        """What the course of a run depends on, besides its data and its seed."""
        return {
            "mode": self._mode,
            "refresh_every": self._refresh_every,
            "max_children": self.refresher.planner.max_children,
            "auto_off": None if self.feedback.meter is None else str(self.feedback.meter.rules),
            **self.refresher.targeting.course,
        }

    @contextmanager
    def books(self) -> Iterator[AugmentationLoop]:
        """Keep everything as it is now, with all that is known booked, until the end of a ``with`` block."""
        with self._lock:
            if self._started:
                self._apply()
                self.collect()
            yield self

    def take_over(self, counts: Counter[str], lineage: dict[bytes, Request], leaving: Iterable[bytes]) -> None:
        """Go on from a saved run, whose catalogue, table, ledger and plan are in place already.

        In mode "sync" the cache is brought back to what that run knew once the worker is ready; otherwise what the
        cache has gained meanwhile is taken in.
        """
        self.refresher.intake.restore(counts, lineage, leaving)
        self.refresher.intake.adopts = self._mode == "async"
        self._is_restored = True

    def close(self) -> None:
        """Stop the thread and the worker: idempotent."""
        if os.getpid() != self._process:
            # A forked copy of the trainer drops its copy of this.
            return
        seen = self.steps - self.first_step
        never_ready = self._started and seen > 0 and self._is_setting_up
        self._closed = True
        self._background.stop()
        # One after the other, also if a signal's handler raises in the middle of one.
        with ExitStack() as steps:
            steps.callback(self.sayings.speak)
            if never_ready:
                steps.callback(
                    self.sayings.add,
                    f"the run ended after {seen} {'step' if seen == 1 else 'steps'}, before the generator was ready, "
                    "and has shown no new variant; train for longer, or call wait_until_ready() before the first epoch",
                )
            if self.journal is not None:
                steps.callback(self.journal.close)
                steps.callback(self.journal.end_pass, self.in_flight.reached)
            steps.callback(self._reader.close)
            steps.callback(self._take_leave)
            # A thread that still sends the dataset to the child is let go by the child's end.
            steps.callback(self.worker.close)
            self._background.join(2)

    def _take_leave(self) -> None:
        self._background.join(10)
        if self._lock.acquire(timeout=5):
            self.collect()
            self.refresher.intake.drop_orders()
            if self.recording is not None:
                self.recording.conclude(self)
            self._lock.release()
        self._started = False

    def observe(
        self,
        meta: SampleMeta,
        loss: torch.Tensor,
        logits: torch.Tensor | None = None,
        target: torch.Tensor | None = None,
    ) -> None:
        """Take one step's feedback; see :meth:`GenerativeAugmentDataset.observe`."""
        self.sayings.speak()
        if not self.feedback.put(meta, loss, logits, target):
            return
        self.pacing.step()
        self.refresher.showing.note(meta)
        if self.steps == 0 and logits is None and self.feedback.meter is not None:
            self.sayings.add(
                "auto_off= measures nothing without logits, from which classes are known; pass them to observe(), or "
                "leave it out: the examples that it holds out are not trained on"
            )
        self.steps += 1
        if self._mode == "async":
            self._background.wake()
            return
        self._apply()
        if self.steps % self._refresh_every == 0:
            self._guarded(self.refresh)
            self.settle()

    def refresh(self) -> None:
        """Decide anew whose variants are ordered, shown and retired."""
        with self._lock:
            self.refresher.refresh(self._wait)
            if self.recording is not None:
                self.recording.note(self)

    def order_in_turn(self, requests: list[Request]) -> int:
        """Hand the first of a long list of requests to the worker, if it is time for them; returns how many it took."""
        with self._lock:
            return self.refresher.ordering.in_turn(requests)

    def wait_until_ready(self) -> None:
        """Wait while the worker sets up.

        Raises:
            WorkerError: it gave up.
        """
        self._drop_forgotten()
        if self._generate:
            self.worker.start()
        self._wait(lambda: self._is_setting_up)
        if self.worker.stats().state == "broken":
            raise WorkerError(self.sayings.last())

    def settle(self) -> None:
        """Wait until the worker has answered everything that was ordered, then publish it."""
        self._wait(lambda: self.worker.stats().outstanding > 0)
        self.refresher.publish()

    def collect(self) -> None:
        """Take in the worker's news."""
        with self._lock:
            self._events.extend(self.worker.poll())
            while self._events:
                self.refresher.intake.note(self._events.popleft())
                self._unpublished = True

    def _drop_forgotten(self) -> None:
        # The list may have grown since this was made, or since the state was saved that was loaded.
        try:
            forgotten = self._forgotten()
        except CacheError:
            # The worker cannot read it either, makes nothing, and says why.
            return
        if forgotten:
            with self._lock:
                dropped = self.refresher.intake.forget_parents(forgotten)
            if dropped:
                self.sayings.add(
                    f"{dropped} variants of examples that were forgotten since are left out, so that this run differs "
                    "from what it would have been"
                )

    @property
    def _is_setting_up(self) -> bool:
        return self._generate and self.worker.stats().state in ("idle", "starting")

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Do ``work``; a bug of a user's policy, say, must neither end generation nor reach the training step."""
        try:
            work()
        except Exception as error:
            self.sayings.add(
                f"the augmentation loop failed and goes on ({brief(error)}); mend the policy, if it is that"
            )
            return False
        return True

    def _tick(self) -> None:
        self._apply()
        self.collect()
        self.pacing.update()
        if self._observed >= self._refresh_every or (self._observed and self._is_idle()):
            self._observed = 0
            started = time.monotonic()
            self.refresh()
            # A worker that has nothing to do is no reason to spend more than a tenth of a core on priorities.
            ended = time.monotonic()
            self._next_idle = ended + max(_IDLE_SECONDS, 9 * (ended - started))
        elif (
            not self.refresher.use_room()
            and self._unpublished
            and time.monotonic() - self._published_at > _PUBLISH_SECONDS
        ):
            with self._lock:
                self.refresher.publish()
            self._unpublished = False
            self._published_at = time.monotonic()

    def _apply(self) -> None:
        with self._lock:
            self._observed += self.feedback.apply()

    def _is_idle(self) -> bool:
        stats = self.worker.stats()
        return stats.state == "ready" and stats.outstanding == 0 and time.monotonic() >= self._next_idle

    def _wait(self, busy: Callable[[], bool]) -> None:
        while busy() and not self._closed:
            self.collect()
            time.sleep(0.001 if self._mode == "sync" else 0.01)
        self.collect()
