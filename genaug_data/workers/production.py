"""What happens inside a worker: a list of requests becomes records in the cache."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import torch

from genaug_data.cache import CacheReader, CacheWriter, Tombstones, read_tombstones
from genaug_data.errors import CacheError, CacheFull, GenaugError, brief
from genaug_data.gates import fingerprint_of
from genaug_data.gates.snapshot import Snapshot
from genaug_data.generators import Refusal, check_variants, group_key
from genaug_data.sample import Request, Sample
from genaug_data.workers.base import (
    Accepted,
    Broken,
    Cost,
    Event,
    Evicted,
    Failed,
    Full,
    Job,
    Ready,
    Rejected,
    Started,
    Warned,
    Withdrawn,
)
from genaug_data.workers.gatekeeping import Gatekeeping
from genaug_data.workers.order import Order, order_of, provenance_of
from genaug_data.workers.revision import revise
from genaug_data.workers.rhythm import Rhythm, Stopped

_FORGOTTEN = "its parent was forgotten at request of whom it shows, and nothing is made from it any more"


class Production:
    """Generator, gates and the cache's writer at work; single-threaded, used by every worker.

    Args:
        job: what to work with.
        beat: called at least once per batch and per step of a fit, so that a watchdog knows that it lives.
        rhythm: of its batches; it ends one within a step when it is to stop.
    """

    def __init__(self, job: Job, beat: Callable[[], None] = lambda: None, rhythm: Rhythm | None = None) -> None:
        self._job = job
        self._beat = beat
        self._rhythm = Rhythm() if rhythm is None else rhythm
        self._batch_size = job.batch_size
        self._gates = Gatekeeping(job)
        self._writer: CacheWriter | None = None
        self._withdrawn: set[tuple[int, int]] = set()
        self._forgotten = Tombstones()

    def setup(self) -> Ready | Broken:
        """Fit the generator where it needs that, prepare the gates, open the cache, and revise what is in it.

        Returns:
            Ready, or Broken with the reason: nothing that goes wrong here may end a training run.
        """
        job = self._job
        try:
            if job.device != "auto" and hasattr(job.generator, "to"):
                job.generator.to(job.device)
            if hasattr(job.generator, "fit"):
                job.generator.fit(job.lessons, job.folder / "generator", progress=job.progress, beat=self._beat)
            if job.recipe is not None and len(job.lessons) > 0 and hasattr(job.generator, "rehearse"):
                self._beat()
                job.generator.rehearse(job.lessons[0], job.recipe, job.task)
            for gate in job.gates:
                gate.prepare(job.samples, progress=job.progress, beat=self._beat)
            fingerprint = job.generator.fingerprint
            self._writer = CacheWriter(
                job.folder, fingerprint=fingerprint, identity=job.identity, max_bytes=job.max_bytes
            )
            self._forgotten = read_tombstones(job.folder)
            with CacheReader(job.folder) as reader:
                revision = revise(
                    job.samples,
                    job.gates,
                    reader,
                    self._writer,
                    progress=job.progress,
                    beat=self._beat,
                    forgotten=self._forgotten,
                )
        except CacheError as error:
            self.close()
            # Another run may be writing to it: what it judged by the same gates is good enough to be read.
            with CacheReader(job.folder) as reader:
                return Broken(str(error), readable=reader.judged_by() == fingerprint_of(job.gates))
        except GenaugError as error:
            self.close()
            return Broken(str(error))
        except Exception as error:
            self.close()
            return Broken(f"it could not be set up: {brief(error)}")
        return Ready(fingerprint, revision.remark)

    def run(
        self,
        requests: Sequence[Request],
        answered: Collection[tuple[int, int]] = (),
        alone: Collection[tuple[int, int]] = (),
    ) -> Iterator[Event]:
        """Work through ``requests`` and yield an event for each, one call of the generator after the other.

        It ends early, and says nothing of what it has not made, once it is to stop.

        Args:
            requests: worked on group by group, in the order of the first of each.
            answered: places of those that an earlier process has answered. They are left out, and the others come in
                the order in which they would have come there.
            alone: places of those that are to be made in a call of their own.
        """
        groups: dict[object, list[Order]] = {}
        for request in requests:
            self._beat()
            if request.place not in answered and self._is_withdrawn(request):
                yield Withdrawn(request)
                continue
            try:
                order = order_of(self._job, request)
            except Exception:
                if request.place not in answered:
                    yield Failed(request, traceback.format_exc())
                continue
            if self._forgotten.cover(request.parent, order.parent_hash.hex()):
                if request.place not in answered:
                    yield Rejected(request, "forgotten", _FORGOTTEN, made=False, tried=False)
                continue
            group = groups.setdefault(group_key(request, order.parent), [])
            if request.place in answered:
                continue
            try:
                known = self._cache.status(order.key)
            except CacheFull as error:
                yield Full(str(error))
                yield Failed(request, str(error), final=False)
                continue
            if known == "accepted":
                yield Accepted(request, order.key, made=False)
            elif known == "rejected":
                yield Rejected(request, "known", "it was rejected before", made=False)
            else:
                group.append(order)
        try:
            for group in groups.values():
                yield from self._run_group(group, alone)
        except Stopped:
            return

    def withdraw(self, requests: Sequence[Request]) -> None:
        """Leave out requests that have not been begun when :meth:`run` comes to them."""
        self._withdrawn.update(request.place for request in requests)

    def evict(self, keys: Sequence[bytes]) -> list[Event]:
        """Remove variants from the cache; an ``Evicted``, empty where the file system has no room even for that."""
        try:
            self._cache.evict(keys)
        except CacheFull as error:
            return [Evicted(()), Full(str(error))]
        return [*self._gates.tell(lambda gate: gate.forget(keys)), Evicted(tuple(keys))]

    def learn(self, path: Path) -> list[Event]:
        """Show the gates a snapshot of the model under training; returns what went wrong."""
        if not any(gate.heeds_snapshots for gate in self._job.gates):
            return []
        snapshot = Snapshot.read(path)
        if snapshot is None:
            return [Warned(f"the snapshot {path.name} cannot be read, and gates go on with the one before")]
        return self._gates.tell(lambda gate: gate.learn(snapshot))

    def close(self) -> None:
        """Close the cache: idempotent."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    @property
    def _cache(self) -> CacheWriter:
        if self._writer is None:
            raise RuntimeError("the production is not set up")
        return self._writer

    def _is_withdrawn(self, request: Request) -> bool:
        found = request.place in self._withdrawn
        self._withdrawn.discard(request.place)
        return found

    def _run_group(self, orders: list[Order], alone: Collection[tuple[int, int]]) -> Iterator[Event]:
        while orders:
            wanted = []
            for order in orders:
                if self._is_withdrawn(order.request):
                    yield Withdrawn(order.request)
                else:
                    wanted.append(order)
            size = self._next_batch(wanted, alone)
            batch, orders = wanted[:size], wanted[size:]
            if not batch:
                return
            yield Started(tuple(order.request for order in batch))
            news: list[Event]
            try:
                with self._rhythm.at_work(self._job.generator):
                    news = self._run_batch(batch)
            except CacheFull as error:
                news = [Full(str(error)), *(Failed(order.request, str(error), final=False) for order in batch)]
            except Exception as error:
                if len(batch) == 1:
                    news = [Failed(batch[0].request, traceback.format_exc())]
                elif isinstance(error, (torch.OutOfMemoryError, MemoryError)):
                    self._batch_size = len(batch) // 2
                    orders = batch + orders
                    news = [Warned(f"a batch of {len(batch)} variants ran out of memory; going on with half of that")]
                else:
                    # One bad request must not take its batch along: alone, each shows whether it is the one.
                    for order in batch:
                        yield from self._run_group([order], alone)
                    continue
            yield from news
            yield Cost(self._rhythm.seconds)

    def _next_batch(self, orders: Sequence[Order], alone: Collection[tuple[int, int]]) -> int:
        for size, order in enumerate(orders[: self._batch_size]):
            if order.request.place in alone:
                return max(size, 1)
        return self._batch_size

    def _run_batch(self, batch: list[Order]) -> list[Event]:
        self._beat()
        generator, parents = self._job.generator, [order.parent for order in batch]
        before = self._rhythm.seconds
        answers = generator.generate(parents, [order.request for order in batch])
        made = sum(not isinstance(answer, Refusal) or answer.made for answer in answers)
        seconds = (self._rhythm.seconds - before) / max(1, made)
        check_variants(parents, answers)
        self._beat()
        kept, refused, pictures = [], [], []
        shown: dict[int, Sample] = {}
        news: list[Event] = []
        for order, child, verdicts in zip(batch, answers, self._gates.judge(parents, answers), strict=True):
            if isinstance(child, Refusal) and not child.made:
                # Nothing to remember: to be asked once more costs nothing.
                news.append(Rejected(order.request, verdicts[-1].gate, child.reason, made=False, tried=False))
                continue
            record = provenance_of(self._job, order, verdicts, seconds)
            if self._forgotten.cover_variant(record):
                # A generator that mixes has drawn it as another parent; not even a picture of it is kept.
                news.append(Rejected(order.request, "forgotten", _FORGOTTEN))
                continue
            if not isinstance(child, Refusal) and all(verdict.accepted for verdict in verdicts):
                kept.append((order.key, self._gates.as_amended(child, verdicts), record))
                shown[order.request.parent] = order.parent
                news.append(Accepted(order.request, order.key))
            else:
                refused.append((order.key, record))
                pictures.append((record, order.parent, None if isinstance(child, Refusal) else child))
                news.append(Rejected(order.request, verdicts[-1].gate, verdicts[-1].reason))
        evicted = self._cache.put(kept, shown)
        self._cache.reject(refused, pictures)
        keys, new = [key for key, _, _ in kept], [child for _, child, _ in kept]
        news += self._gates.tell(lambda gate: gate.remember(keys, new))
        if evicted:
            news += [*self._gates.tell(lambda gate: gate.forget(evicted)), Evicted(tuple(evicted))]
        return news
