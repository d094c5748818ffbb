"""Room and budget bound what a worker takes."""

from __future__ import annotations

from collections.abc import Callable

from genaug_data.workers import Budget, Job
from tests.toys import Slow
from tests.workers.orders import KINDS, answers, drain, requests_for


@KINDS
def test_back_pressure_and_budget_refuse_what_is_too_much(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(), Budget(images=5), capacity=4)
    assert worker.submit(requests_for(0, 1, 2, 3, 4, 5)) == 4
    assert worker.submit(requests_for(6)) == 0
    drain(worker)
    assert worker.submit(requests_for(6, 7)) == 1
    drain(worker)
    assert worker.submit(requests_for(8)) == 0
    assert worker.stats().images == 5
    worker.close()
    assert worker.submit(requests_for(9)) == 0


@KINDS
def test_a_budget_of_seconds_takes_back_what_it_does_not_cover(kind: type, job: Callable[..., Job]) -> None:
    worker = kind(job(Slow(), batch_size=1), Budget(seconds=0.5))
    assert worker.submit(requests_for(0, 1, 2, 3, 4, 5)) == 6
    found = answers(drain(worker))
    worker.close()
    # Two calls reach the bound; one more may have begun before the child heard of it.
    assert [found[parent] for parent in (0, 1, 4, 5)] == ["Accepted", "Accepted", "Withdrawn", "Withdrawn"]
    assert worker.submit(requests_for(7)) == 0
