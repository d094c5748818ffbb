"""A worker in the training process."""

from __future__ import annotations

from collections.abc import Callable

from genaug_data.planner import Planner
from genaug_data.recipes import RecipePolicy
from genaug_data.workers import Budget, InlineWorker, Job
from tests.workers.orders import SAMPLES, answers, drain


def test_planned_requests_can_be_served(job: Callable[..., Job]) -> None:
    planner = Planner(len(SAMPLES), RecipePolicy(), max_children=1, seed=0)
    worker = InlineWorker(job(), Budget())
    orders = list(planner.everyone(1))
    assert worker.submit(orders) == len(SAMPLES)
    assert set(answers(drain(worker)).values()) == {"Accepted"}
    worker.close()
