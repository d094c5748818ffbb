from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.planner import Planner
from genaug_data.recipes import RecipePolicy


def _planner(size: int, max_children: int = 2) -> Planner:
    return Planner(size, RecipePolicy(), max_children, seed=0)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 50))
def test_the_hardest_parents_come_first(values: list[float], limit: int) -> None:
    priorities = np.array(values)
    planned = [request.parent for request in _planner(len(values)).plan(priorities, limit)]
    expected = sorted(range(len(values)), key=lambda parent: (-values[parent], parent))[:limit]
    assert [values[parent] for parent in planned] == [values[parent] for parent in expected]
    assert len(set(planned)) == len(planned)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 10))
def test_no_parent_gets_more_than_its_children(size: int, max_children: int, seed: int) -> None:
    planner, children = _planner(size, max_children), np.zeros(size, dtype=int)
    generator = np.random.default_rng(seed)
    for _ in range(40):
        for request in planner.plan(np.full(size, 1 / size), limit=3):
            planner.ordered(request)
            outcome = generator.integers(3)
            if outcome == 0:
                planner.accepted(request)
                children[request.parent] += 1
            elif outcome == 1:
                planner.refused(request)
            else:
                planner.dropped(request)
        assert (children <= max_children).all()


def test_variants_are_numbered_on_and_their_seeds_differ() -> None:
    planner, seen = _planner(1, max_children=3), []
    for _ in range(3):
        (request,) = planner.plan(np.ones(1), limit=5)
        planner.ordered(request)
        planner.accepted(request)
        seen.append(request)
    assert [request.variant for request in seen] == [0, 1, 2]
    assert len({request.seed for request in seen}) == 3
    assert planner.plan(np.ones(1), limit=5) == []
    planner.lost(0, 1)
    assert planner.plan(np.ones(1), limit=5)[0].variant == 3


def test_a_dropped_request_is_asked_for_again_and_a_refused_one_is_not() -> None:
    planner = _planner(1)
    (first,) = planner.plan(np.ones(1), limit=1)
    planner.ordered(first)
    planner.dropped(first)
    (second,) = planner.plan(np.ones(1), limit=1)
    assert second == first
    planner.ordered(second)
    planner.refused(second)
    assert planner.plan(np.ones(1), limit=1)[0].variant == 1


def test_a_parent_whose_variants_are_all_refused_is_left_alone() -> None:
    planner = _planner(1, max_children=2)
    for _ in range(4):
        (request,) = planner.plan(np.ones(1), limit=1)
        planner.ordered(request)
        planner.refused(request)
    assert planner.plan(np.ones(1), limit=1) == []


def test_only_the_eligible_are_asked() -> None:
    planned = _planner(3).plan(np.array([0.5, 0.3, 0.2]), limit=3, eligible=np.array([False, True, True]))
    assert [request.parent for request in planned] == [1, 2]


def test_effort_spreads_before_it_piles_up() -> None:
    planner = _planner(2, max_children=5)
    planner.adopt(0, variant=4)
    assert planner.plan(np.array([0.6, 0.4]), limit=1)[0].parent == 1
    planner.adopt(1, variant=0)
    assert planner.plan(np.array([0.6, 0.4]), limit=1)[0].parent == 0
    assert planner.plan(np.array([0.6, 0.4]), limit=1)[0].variant == 5


def test_a_warm_up_asks_for_everyone_by_rounds() -> None:
    requests = list(_planner(3).everyone(2))
    assert [(request.parent, request.variant) for request in requests] == [(p, v) for v in range(2) for p in range(3)]
    assert requests == list(_planner(3).everyone(2))


def test_harder_parents_get_weaker_edits() -> None:
    planner = Planner(200, RecipePolicy(strength=(0.2, 1.0)), max_children=1, seed=1)
    priorities = np.arange(200) / 200
    by_parent = {request.parent: request.recipe.strength for request in planner.plan(priorities, limit=200)}
    easy, hard = np.mean([by_parent[p] for p in range(50)]), np.mean([by_parent[p] for p in range(150, 200)])
    assert hard < easy - 0.2
