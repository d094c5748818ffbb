"""From requests to records: what is known, what fails, what the gates say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genaug_data.cache import CacheReader
from genaug_data.cache.thumbnail import thumbnail
from genaug_data.errors import CacheFull
from genaug_data.gates import NoOp
from genaug_data.generators import Refusal
from genaug_data.sample import Request, Sample
from genaug_data.workers import Budget, InlineWorker, Job
from genaug_data.workers.base import Accepted, Broken, Cost, Evicted, Failed, Full, Rejected, Warned
from genaug_data.workers.production import Production
from tests.toys import Noisy, Raises, RunsOutOfMemory, Shrinks
from tests.workers.orders import KINDS, answers, drain, requests_for


@KINDS
def test_a_repeated_order_is_found_and_not_made_again(kind: type, job: Callable[..., Job]) -> None:
    for made in (True, False):
        worker = kind(job(), Budget())
        worker.submit(requests_for(3, 1))
        news = drain(worker)
        worker.close()
        assert [event.made for event in news if isinstance(event, Accepted)] == [made, made]
        assert worker.stats().images == 2 * made


@KINDS
def test_what_is_found_counts_against_the_budget_where_asked_for(kind: type, job: Callable[..., Job]) -> None:
    for _ in range(2):
        worker = kind(job(), Budget(images=3), counts_found=True)
        assert worker.submit(requests_for(3, 1)) == 2
        drain(worker)
        assert (worker.stats().images, worker.submit(requests_for(4, 5))) == (2, 1)
        worker.close()


@KINDS
def test_rejections_name_their_gate_and_are_remembered(kind: type, job: Callable[..., Job]) -> None:
    class Copies(Noisy):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return [Sample(parent.image.clone(), parent.target) for parent in parents]

    found = []
    for _ in range(2):
        worker = kind(job(Copies("copies"), gates=[NoOp()]), Budget())
        worker.submit(requests_for(2))
        (rejected,) = [event for event in drain(worker) if isinstance(event, Rejected)]
        found.append((rejected.gate, rejected.made, worker.stats().images))
        worker.close()
    assert found == [(NoOp().name, True, 1), ("known", False, 0)]


@KINDS
def test_parents_and_rejected_variants_can_be_shown_afterwards(kind: type, job: Callable[..., Job]) -> None:
    class CopiesOfSome(Noisy):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            made = super().generate(parents, requests)
            return [
                Sample(parent.image.clone(), parent.target) if request.parent == 2 else child
                for parent, child, request in zip(parents, made, requests, strict=True)
            ]

    order = job(CopiesOfSome("copies"), gates=[NoOp()])
    worker = kind(order, Budget())
    worker.submit(requests_for(1, 2, 3))
    drain(worker)
    worker.close()
    with CacheReader(order.folder) as reader:
        assert reader.parent_pictures() == {parent: thumbnail(order.samples[parent].image) for parent in (1, 3)}
        (rejected,) = reader.rejected_pictures()
    assert rejected.made.parent == 2
    assert rejected.made.verdicts[-1].gate == NoOp().name
    assert rejected.child == rejected.parent == thumbnail(order.samples[2].image)


@KINDS
def test_what_the_generator_refuses_is_rejected_once_and_the_rest_is_cached(
    kind: type, job: Callable[..., Job]
) -> None:
    class Picks(Noisy):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return [
                Refusal(one.image, one.target, "it is odd") if order.parent % 2 else one
                for one, order in zip(super().generate(parents, requests), requests, strict=True)
            ]

        def origin(self, parent: Sample, request: Request) -> dict[str, str]:
            return {"prompt": f"number {request.parent}", "license": "mit"}

    found = []
    for _ in range(2):
        worker = kind(job(Picks("picks")), Budget())
        worker.submit(requests_for(0, 1, 2))
        news = drain(worker)
        worker.close()
        assert answers(news) == {0: "Accepted", 1: "Rejected", 2: "Accepted"}
        found += [(event.gate, event.reason) for event in news if isinstance(event, Rejected)]
    assert found == [("generator", "it is odd"), ("known", "it was rejected before")]
    with CacheReader(job().folder) as reader:
        told = [reader.provenance(event.key) for event in news if isinstance(event, Accepted)]
    assert [(one.prompt, one.origin, one.verdicts) for one in told] == [
        (f"number {number}", {"license": "mit"}, ()) for number in (0, 2)
    ]
    assert all(one.seconds > 0 for one in told)


@pytest.mark.parametrize("counts_found", [False, True])
def test_a_parent_that_the_generator_refuses_costs_no_budget(job: Callable[..., Job], counts_found: bool) -> None:
    class Picks(Noisy):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return [
                Refusal(one.image, one.target, "it is odd", made=False) if order.parent % 2 else one
                for one, order in zip(super().generate(parents, requests), requests, strict=True)
            ]

    for found in (False, True):
        worker = InlineWorker(job(Picks("picks")), Budget(images=2), counts_found=counts_found)
        assert worker.submit(requests_for(1, 3)) == 2
        refused = drain(worker)
        assert [(one.gate, one.reason) for one in refused if isinstance(one, Rejected)] == [
            ("generator", "it is odd")
        ] * 2
        assert worker.stats().images == 0
        # What is left of the budget makes as many as it says.
        assert worker.submit(requests_for(0, 2, 4)) == 2
        drain(worker)
        assert worker.stats().images == (0 if found and not counts_found else 2)
        worker.close()
    with CacheReader(job().folder) as reader:
        assert (reader.stats().records, reader.stats().rejected) == (2, 0)


@KINDS
def test_one_bad_request_does_not_take_the_others_along(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(Raises(parent=2)), Budget())
    worker.submit(requests_for(0, 1, 2, 3))
    news = drain(worker)
    worker.close()
    assert answers(news) == {0: "Accepted", 1: "Accepted", 2: "Failed", 3: "Accepted"}
    (failed,) = [event for event in news if isinstance(event, Failed)]
    assert "ValueError: no variant of 2" in failed.reason
    assert failed.final


@KINDS
def test_out_of_memory_halves_the_batch(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(RunsOutOfMemory(most=2), batch_size=8), Budget())
    worker.submit(requests_for(*range(8)))
    news = drain(worker)
    worker.close()
    assert set(answers(news).values()) == {"Accepted"}
    assert worker.stats().images == 8
    assert sum(isinstance(event, Cost) for event in news) == 6
    assert any(isinstance(event, Warned) and "ran out of memory" in event.reason for event in news)


@KINDS
def test_a_wrong_size_fails_the_request_in_a_sentence(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(Shrinks()), Budget())
    worker.submit(requests_for(0))
    (failed,) = [event for event in drain(worker) if isinstance(event, Failed)]
    worker.close()
    assert "GeneratorError" in failed.reason


@KINDS
def test_a_folder_of_another_generator_breaks_the_worker_in_a_sentence(kind: type, job: Callable[..., Job]) -> None:
    first = kind(job(), Budget())
    first.start()
    drain(first)
    first.close()
    second = kind(job(Noisy("other")), Budget())
    second.start()
    (broken,) = drain(second)
    assert isinstance(broken, Broken)
    assert "noisy" in broken.reason
    second.close()


class Forgets(NoOp):
    """A gate that fails after the fact."""

    def remember(self, keys: list[bytes], children: list[Sample]) -> None:
        raise KeyError("no memory")


def test_a_gate_that_cannot_remember_loses_no_variant(job: Callable[..., Job]) -> None:
    worker = InlineWorker(job(gates=[Forgets()]), Budget())
    worker.submit(requests_for(0, 1))
    news = drain(worker)
    assert answers(news) == {0: "Accepted", 1: "Accepted"}
    (warned,) = [event for event in news if isinstance(event, Warned)]
    assert "the gate 'no_op' could not take note of it: KeyError: 'no memory'" in warned.reason
    worker.close()


class FillsUp:
    """Stands for a cache whose file system has no room even for an eviction."""

    def evict(self, keys: list[bytes]) -> int:
        raise CacheFull("no room")

    def close(self) -> None:
        """Nothing is open."""


def test_an_eviction_that_finds_no_room_is_answered(job: Callable[..., Job]) -> None:
    production = Production(job())
    production._writer = FillsUp()
    assert production.evict([b"k" * 16]) == [Evicted(()), Full("no room")]
    production.close()
