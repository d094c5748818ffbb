"""Observe, select, request, collect: what keeps the variants of hard examples coming while training goes on."""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
import torch

from genaug_data.cache import CacheReader
from genaug_data.catalogue import Catalogue
from genaug_data.errors import WorkerError
from genaug_data.eviction import victims
from genaug_data.feedback import Feedback
from genaug_data.hardness import HardnessPolicy
from genaug_data.meta import SampleMeta
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
    Worker,
)

_TICK = 0.05
_PUBLISH_SECONDS = 0.25
_ORDERS = 256
_NEARLY_FULL = 0.9


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
        self.counts: Counter[str] = Counter()
        self.failures: list[Failed] = []
        self.priorities: np.ndarray | None = None
        self._reader = reader
        self._max_bytes = max_bytes
        self._mode = mode
        self._refresh_every = refresh_every
        self._generate = generate
        self._steps = 0
        self._refreshed_at = 0
        self._published_at = 0.0
        self._unpublished = False
        self._full = False
        self._room = False
        self._on_order: dict[tuple[int, int], Request] = {}
        self.sayings = Sayings()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._started = False
        self._closed = False

    def start(self) -> None:
        """Start worker and thread: idempotent. In mode "sync" the worker is ready when this returns."""
        self.sayings.speak()
        if self._closed or self._started:
            return
        self._started = True
        if self._generate:
            self.worker.start()
        if self._mode == "sync":
            self._wait(lambda: self._generate and self.worker.stats().state in ("idle", "starting"))
        self.catalogue.publish(self.priorities)
        if self._mode == "async":
            self._thread = threading.Thread(target=self._run, name="genaug-loop", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread and the worker: idempotent."""
        self._closed = True
        self._stop.set()
        self._wake.set()
        self._join(2)
        # A thread that still sends the dataset to the child is let go by the child's end.
        self.worker.close()
        self._join(10)
        self._reader.close()
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
            self.refresh()
            self.settle()

    def refresh(self) -> None:
        """Work out priorities, retire what failed its trial, and order variants of the hardest parents."""
        self.priorities = self._priorities()
        self._retire(self.priorities)
        if self._generate and not self._full:
            self._order_hardest(self.priorities)
        self._full = False
        self.catalogue.publish(self.priorities)

    def order(self, requests: list[Request]) -> int:
        """Hand requests to the worker; returns how many it took."""
        taken = self.worker.submit(requests) if requests else 0
        for request in requests[:taken]:
            self.planner.ordered(request)
            self._on_order[request.place] = request
        self.counts["requested"] += taken
        return taken

    def wait_until_ready(self) -> None:
        """Wait while the worker sets up.

        Raises:
            WorkerError: it gave up.
        """
        while self.worker.stats().state in ("idle", "starting") and self._generate and not self._closed:
            if self._thread is None:
                self.collect()
            time.sleep(0.01)
        if self.worker.stats().state == "broken":
            raise WorkerError(self.sayings.last())

    def settle(self) -> None:
        """Wait until the worker has answered everything that was ordered, then publish it."""
        self._wait(lambda: self.worker.stats().outstanding > 0)
        self.catalogue.publish(self.priorities)

    def collect(self) -> None:
        """Take in the worker's news."""
        for event in self.worker.poll():
            self._note(event)

    def _join(self, seconds: float) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_TICK)
            self._wake.clear()
            try:
                self._tick()
            except Exception:
                # A bug of a user's policy, say, must neither end generation for good nor reach the training step.
                self.sayings.add(f"the augmentation loop failed and goes on: {traceback.format_exc(limit=-2)}")
                self._stop.wait(1.0)

    def _tick(self) -> None:
        applied = self.feedback.apply()
        self.collect()
        self._refreshed_at += applied
        if self._refreshed_at >= self._refresh_every:
            self._refreshed_at = 0
            self.refresh()
        elif self._room and self.priorities is not None:
            self._room = False
            self.order(self.planner.plan(self.priorities, _ORDERS, self._eligible()))
        elif self._unpublished and time.monotonic() - self._published_at > _PUBLISH_SECONDS:
            self.catalogue.publish(self.priorities)
            self._unpublished = False
            self._published_at = time.monotonic()

    def _wait(self, busy: Callable[[], bool]) -> None:
        while busy() and not self._closed:
            self.collect()
            time.sleep(0.001)
        self.collect()

    def _priorities(self) -> np.ndarray:
        return self.policy.priorities(self.feedback.table)

    def _eligible(self) -> np.ndarray | None:
        if self.policy.min_observations == 0:
            return None
        return self.feedback.table.observations >= self.policy.min_observations

    def _order_hardest(self, priorities: np.ndarray) -> None:
        planned = self.planner.plan(priorities, _ORDERS, self._eligible())
        left = planned[self.order(planned) :]
        # Where there is no room for all, what waits gives way to parents that have become harder.
        waiting = sorted(self._on_order.values(), key=lambda request: float(priorities[request.parent]))
        pairs = zip(waiting, left, strict=False)
        self.worker.withdraw([old for old, new in pairs if priorities[old.parent] < priorities[new.parent]])

    def _retire(self, priorities: np.ndarray) -> None:
        retired = self.feedback.ledger.retired()
        for reason in retired.values():
            self.counts[f"retired {reason}"] += 1
        leaving = list(retired)
        stored = self._reader.stats()
        if self._full or stored.bytes > _NEARLY_FULL * self._max_bytes:
            leaving += victims(self.catalogue.items(), priorities, max(1, stored.records // 10))
        self._forget(leaving)
        self.worker.evict(leaving)

    def _note(self, event: Event) -> None:
        if isinstance(event, Answer):
            self._on_order.pop(event.request.place, None)
        match event:
            case Ready():
                for entry in self._reader.entries():
                    if self.catalogue.add(entry.parent, entry.key):
                        self.planner.adopt(entry.parent, entry.variant)
                        self.feedback.ledger.enter([entry.key])
            case Accepted(request, key, made):
                self.counts["accepted" if made else "found"] += 1
                self.planner.accepted(request)
                if not self.catalogue.add(request.parent, key):
                    self.planner.lost(request.parent, 1)
                self.feedback.ledger.enter([key])
            case Rejected(request, gate, _):
                self.counts[f"rejected by {gate}"] += 1
                self.planner.refused(request)
            case Failed(request, _, final):
                self.counts["failed"] += 1
                if final:
                    self.planner.refused(request)
                    self.failures.append(event)
                    del self.failures[:-100]
                else:
                    self.planner.dropped(request)
            case Withdrawn(request):
                self.counts["withdrawn"] += 1
                self.planner.dropped(request)
                self._room = True
            case Evicted(keys):
                self.counts["evicted"] += len(keys)
                self._forget(keys)
            case Full(reason):
                self._full = True
                self.sayings.add(f"generation pauses: {reason}")
            case Warned(reason):
                self.sayings.add(reason)
            case Broken(reason):
                self._on_order.clear()
                self.sayings.add(f"generation has ended, training goes on with real and cached samples: {reason}")
        self._unpublished = True

    def _forget(self, keys: Iterable[bytes]) -> None:
        keys = list(keys)
        for parent, children in self.catalogue.discard(keys).items():
            self.planner.lost(parent, children)
        self.feedback.ledger.forget(keys)
