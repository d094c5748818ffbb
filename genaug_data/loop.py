"""Observe, select, request, collect: what keeps the variants of hard examples coming while training goes on."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from genaug_data.cache import CacheReader
from genaug_data.catalogue import Catalogue
from genaug_data.errors import WorkerError, brief
from genaug_data.eviction import victims
from genaug_data.feedback import Feedback
from genaug_data.hardness import HardnessPolicy
from genaug_data.intake import Intake
from genaug_data.meta import SampleMeta
from genaug_data.planner import Planner
from genaug_data.sample import Request
from genaug_data.sayings import Sayings
from genaug_data.workers.base import Event, Worker

_TICK = 0.05
_PUBLISH_SECONDS = 0.25
_ORDERS = 256
_NEARLY_FULL = 0.9
_IDLE_SECONDS = 1.0
_RETIRED = {"wrong": "retired as broken", "right": "retired as too easy"}


class AugmentationLoop:
    """Turns feedback into priorities, priorities into requests, and a worker's news into the catalogue.

    In mode "async" all of it happens in one background thread and the training thread never waits. In mode "sync" it
    happens inside :meth:`observe`, which at every refresh waits until the requested variants are there, so that a run
    is a function of its seed.

    Args:
        feedback: where observations go.
        policy: turns the hardness table into priorities.
        planner: turns priorities into requests.
        catalogue: what the sampler draws from.
        worker: makes the variants.
        reader: of the cache that the worker fills.
        max_bytes: bound of that cache.
        mode: "async" or "sync".
        refresh_every: steps between two refreshes.
        generate: False only observes, because no slot is going to show a variant.
    """

    def __init__(
        self,
        *,
        feedback: Feedback,
        policy: HardnessPolicy,
        planner: Planner,
        catalogue: Catalogue,
        worker: Worker,
        reader: CacheReader,
        max_bytes: int,
        mode: Literal["async", "sync"],
        refresh_every: int,
        generate: bool = True,
    ) -> None:
        self.feedback = feedback
        self.policy = policy
        self.planner = planner
        self.catalogue = catalogue
        self.worker = worker
        self.priorities: np.ndarray | None = None
        self._reader = reader
        self._max_bytes = max_bytes
        self._mode = mode
        self._refresh_every = refresh_every
        self._generate = generate
        self._steps = 0
        self._observed = 0
        self._next_idle = 0.0
        self._published_at = 0.0
        self._unpublished = False
        self.sayings = Sayings()
        self.intake = Intake(catalogue, planner, feedback.ledger, reader, self.sayings)
        self._events: deque[Event] = deque()
        # Held while the books are worked on: the loop's thread does so, and a warm-up in the user's.
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._started = False
        self._closed = False

    def start(self) -> None:
        """Start worker and thread, also anew after :meth:`close`; idempotent.

        In mode "sync" the worker is ready when this returns.
        """
        self.sayings.speak()
        if self._started:
            return
        self._started, self._closed = True, False
        self._stop.clear()
        if self._generate:
            self.worker.start()
        if self._mode == "sync":
            self._wait(lambda: self._is_setting_up)
        self.catalogue.publish(self.priorities)
        if self._mode == "async":
            self._thread = threading.Thread(target=self._run, name="genaug-loop", daemon=True)
            self._thread.start()

    def start_unless_closed(self) -> None:
        """Start at the sampler's first draw, but not again once the user has closed this."""
        if not self._closed:
            self.start()

    def close(self) -> None:
        """Stop the thread and the worker: idempotent."""
        if os.getpid() != self._process:
            # A forked copy of the trainer drops its copy of this.
            return
        never_ready = self._started and self._steps > 0 and self._is_setting_up
        self._closed = True
        self._stop.set()
        self._wake.set()
        self._join(2)
        # A thread that still sends the dataset to the child is let go by the child's end.
        self.worker.close()
        self._join(10)
        if self._lock.acquire(timeout=5):
            self.collect()
            self.intake.drop_orders()
            self._lock.release()
        self._started, self._thread = False, None
        self._reader.close()
        if never_ready:
            self.sayings.add(
                f"the run ended after {self._steps} steps, before the generator was ready, and has shown no new "
                "variant; train for longer, or warm up first"
            )
        self.sayings.speak()

    def observe(
        self,
        meta: SampleMeta,
        loss: torch.Tensor,
        logits: torch.Tensor | None = None,
        target: torch.Tensor | None = None,
    ) -> None:
        """Take one step's feedback; see :meth:`GenerativeAugmentDataset.observe`."""
        self.sayings.speak()
        self.feedback.put(meta, loss, logits, target)
        self._steps += 1
        if self._mode == "async":
            self._wake.set()
            return
        self.feedback.apply()
        if self._steps % self._refresh_every == 0:
            self._guarded(self.refresh)
            self.settle()

    def refresh(self) -> None:
        """Work out priorities, retire what failed its trial, and order variants of the hardest parents."""
        with self._lock:
            self.priorities = self.policy.priorities(self.feedback.table)
            if self.intake.follows:
                self.intake.adopt()
            self._retire(self.priorities)
            if self._generate and not self.intake.full:
                self._order_hardest(self.priorities)
            self.intake.full = False
            self.catalogue.publish(self.priorities)

    def order(self, requests: list[Request]) -> int:
        """Hand requests to the worker; returns how many it took."""
        with self._lock:
            taken = self.worker.submit(requests) if requests else 0
            for request in requests[:taken]:
                self.intake.ordered(request)
        return taken

    def wait_until_ready(self) -> None:
        """Wait while the worker sets up.

        Raises:
            WorkerError: it gave up.
        """
        if self._generate:
            self.worker.start()
        self._wait(lambda: self._is_setting_up)
        if self.worker.stats().state == "broken":
            raise WorkerError(self.sayings.last())

    def settle(self) -> None:
        """Wait until the worker has answered everything that was ordered, then publish it."""
        self._wait(lambda: self.worker.stats().outstanding > 0)
        self.catalogue.publish(self.priorities)

    def collect(self) -> None:
        """Take in the worker's news."""
        with self._lock:
            self._events.extend(self.worker.poll())
            while self._events:
                self.intake.note(self._events.popleft())
                self._unpublished = True

    @property
    def _is_setting_up(self) -> bool:
        return self._generate and self.worker.stats().state in ("idle", "starting")

    def _join(self, seconds: float) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_TICK)
            self._wake.clear()
            if not self._guarded(self._tick):
                self._stop.wait(1.0)

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
        applied = self.feedback.apply()
        self.collect()
        self._observed += applied
        if self._observed >= self._refresh_every or (self._observed and self._is_idle()):
            self._observed = 0
            started = time.monotonic()
            self.refresh()
            # A worker that has nothing to do is no reason to spend more than a tenth of a core on priorities.
            ended = time.monotonic()
            self._next_idle = ended + max(_IDLE_SECONDS, 9 * (ended - started))
        elif self.intake.freed and self.priorities is not None:
            self.intake.freed = False
            self.order(self.planner.plan(self.priorities, _ORDERS, self._eligible()))
        elif self._unpublished and time.monotonic() - self._published_at > _PUBLISH_SECONDS:
            self.catalogue.publish(self.priorities)
            self._unpublished = False
            self._published_at = time.monotonic()

    def _is_idle(self) -> bool:
        stats = self.worker.stats()
        return stats.state == "ready" and stats.outstanding == 0 and time.monotonic() >= self._next_idle

    def _wait(self, busy: Callable[[], bool]) -> None:
        while busy() and not self._closed:
            self.collect()
            time.sleep(0.001 if self._mode == "sync" else 0.01)
        self.collect()

    def _eligible(self) -> np.ndarray | None:
        if self.policy.min_observations == 0:
            return None
        return self.feedback.table.observations >= self.policy.min_observations

    def _order_hardest(self, priorities: np.ndarray) -> None:
        planned = self.planner.plan(priorities, _ORDERS, self._eligible())
        left = planned[self.order(planned) :]
        # Where there is no room for all, what waits gives way to parents that have become harder.
        waiting = sorted(self.intake.on_order.values(), key=lambda request: float(priorities[request.parent]))
        pairs = zip(waiting, left, strict=False)
        self.worker.withdraw([old for old, new in pairs if priorities[old.parent] < priorities[new.parent]])

    def _retire(self, priorities: np.ndarray) -> None:
        retired = self.feedback.ledger.retired()
        for reason in retired.values():
            self.intake.counts[_RETIRED[reason]] += 1
        leaving = list(retired)
        stored = self._reader.stats()
        if self.intake.full or stored.bytes > _NEARLY_FULL * self._max_bytes:
            leaving += victims(self.catalogue.items(), priorities, max(1, stored.records // 10))
        self.intake.forget(leaving)
        self.worker.evict(leaving)
