"""Which variants are ordered next: the hardest parents that lack children."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from genaug_data.recipes import RecipePolicy
from genaug_data.sample import Request
from genaug_data.seeding import derive

_SKETCH = 16_384
_COUNTS = ("children", "next_variant", "refusals")


class Planner:
    """Keeps count of every parent's children and turns priorities into requests.

    A parent is asked for its next child while it has fewer than ``max_children``, present or on order, and while the
    gates have not refused ``2 * max_children`` of its variants in a row. Its priority is divided by one more than the
    number of its children, so that effort spreads before it piles up.

    Args:
        size: number of real examples.
        recipes: how variants are made.
        max_children: of one parent at a time.
        seed: of the run.

    Example:
        >>> planner = Planner(3, RecipePolicy(), max_children=1, seed=0)
        >>> [request.parent for request in planner.plan(np.array([0.2, 0.5, 0.3]), limit=2)]
        [1, 2]
    """

    def __init__(self, size: int, recipes: RecipePolicy, max_children: int, seed: int) -> None:
        self.size = size
        self.max_children = max_children
        self._recipes = recipes
        self._seed = seed
        self._children = np.zeros(size, dtype=np.int16)
        self._next_variant = np.zeros(size, dtype=np.int32)
        self._refusals = np.zeros(size, dtype=np.int16)
        self._forgotten = np.zeros(size, dtype=bool)

    def adopt(self, parent: int, variant: int) -> None:
        """Count a child that is in the cache from an earlier run."""
        self._children[parent] += 1
        self._next_variant[parent] = max(self._next_variant[parent], variant + 1)

    def forget(self, parents: Iterable[int]) -> None:
        """Ask for no variant of these parents from now on."""
        self._forgotten[[parent for parent in parents if 0 <= parent < self.size]] = True

    def plan(self, priorities: np.ndarray, limit: int, eligible: np.ndarray | None = None) -> list[Request]:
        """Return at most ``limit`` requests, one a parent, hardest first; nothing is counted until :meth:`ordered`.

        Args:
            priorities: float64 ``(N,)``, not negative.
            limit: number of requests.
            eligible: bool ``(N,)``: who may be a parent now; None for everybody.
        """
        open_places = (self._children < self.max_children) & (self._refusals < 2 * self.max_children)
        open_places &= ~self._forgotten
        if eligible is not None:
            open_places &= eligible
        score = np.where(open_places, priorities / (1 + self._children), -1.0)
        limit = min(limit, int(open_places.sum()))
        if limit <= 0:
            return []
        chosen = np.argpartition(score, -limit)[-limit:]
        # Equal priorities in the order of their index, so that a plan is a function of the table alone.
        chosen = chosen[np.lexsort((chosen, -score[chosen]))]
        return [
            self._request(int(parent), int(self._next_variant[parent]), float(priorities[parent]), float(hardness))
            for parent, hardness in zip(chosen, _ranks(priorities, priorities[chosen]), strict=True)
        ]

    def everyone(self, variants: int, eligible: np.ndarray | None = None) -> Iterator[Request]:
        """Yield the first ``variants`` requests of every parent, at middle hardness: what a warm-up asks for.

        Args:
            variants: of each.
            eligible: bool ``(N,)``: who may be a parent; None for everybody.
        """
        wanted = ~self._forgotten if eligible is None else eligible & ~self._forgotten
        parents = np.flatnonzero(wanted).tolist()
        for variant in range(variants):
            for parent in parents:
                yield self._request(parent, variant, priority=1 / len(self._children), hardness=0.5)

    def ordered(self, request: Request) -> None:
        """Count a request that a worker took."""
        self._children[request.parent] += 1
        self._next_variant[request.parent] = max(self._next_variant[request.parent], request.variant + 1)

    def accepted(self, request: Request) -> None:
        """Note that an ordered variant is in the cache."""
        self._refusals[request.parent] = 0

    def refused(self, request: Request) -> None:
        """Note that an ordered variant was rejected or failed for good."""
        self._children[request.parent] -= 1
        self._refusals[request.parent] += 1

    def dropped(self, request: Request) -> None:
        """Note that an ordered variant was never made, through no fault of its parent; it may be asked for again."""
        self._children[request.parent] -= 1
        if self._next_variant[request.parent] == request.variant + 1:
            self._next_variant[request.parent] = request.variant

    def lost(self, parent: int, children: int) -> None:
        """Note that children of a parent were evicted."""
        self._children[parent] -= children

    def state_dict(self, on_order: Sequence[Request] = ()) -> dict[str, np.ndarray]:
        """Return the counts, int32 ``(N,)`` each, as they are when the requests ``on_order`` are dropped.

        Args:
            on_order: in the order in which they were ordered.
        """
        copy = Planner(self.size, self._recipes, self.max_children, self._seed)
        for name in _COUNTS:
            getattr(copy, f"_{name}")[:] = getattr(self, f"_{name}")
        for request in reversed(on_order):
            copy.dropped(request)
        return {name: getattr(copy, f"_{name}").astype(np.int32) for name in _COUNTS}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Set the counts to what :meth:`state_dict` returned, which was checked by who read it."""
        for name in _COUNTS:
            getattr(self, f"_{name}")[:] = state[name]

    def _request(self, parent: int, variant: int, priority: float, hardness: float) -> Request:
        recipe = self._recipes.recipe(hardness, self._seed, parent, variant)
        return Request(parent, variant, recipe, derive(self._seed, "variant", parent, variant), priority)


def _ranks(priorities: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the share of all priorities below each chosen one, from an evenly spaced sample of them."""
    if float(priorities.min()) == float(priorities.max()):
        return np.full(len(chosen), 0.5)
    sketch = np.sort(priorities[:: -(-len(priorities) // _SKETCH)])
    return np.searchsorted(sketch, chosen) / len(sketch)
