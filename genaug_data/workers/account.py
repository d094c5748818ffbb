"""Which requests are outstanding and what generation has cost: the bookkeeping that every worker shares."""

from __future__ import annotations

from collections.abc import Sequence

from genaug_data.sample import Request
from genaug_data.workers.base import Accepted, Answer, Cost, Event, Rejected
from genaug_data.workers.budget import Budget


class Account:
    """Takes requests while there is room and budget, and strikes them off as their answers come.

    Args:
        budget: what generation may take.
        capacity: requests that may be outstanding.
        counts_found: whether variants that were found in the cache, accepted or rejected, count as made ones do, so
            that what is left of the budget does not depend on what an earlier process has made.
    """

    def __init__(self, budget: Budget, capacity: int, counts_found: bool = False) -> None:
        self.budget = budget
        self.capacity = capacity
        self.counts_found = counts_found
        self.outstanding: dict[tuple[int, int], Request] = {}
        self.images = 0
        self.seconds = 0.0

    def take(self, requests: Sequence[Request]) -> list[Request]:
        """Return the first of ``requests`` for which there is room, now outstanding."""
        room = self.budget.room(self.images + len(self.outstanding), self.seconds)
        taken = list(requests[: max(0, int(min(room, self.capacity - len(self.outstanding))))])
        self.outstanding.update({request.place: request for request in taken})
        return taken

    @property
    def spent(self) -> bool:
        """Whether generation has been busy for as long as it may be."""
        return self.budget.seconds is not None and self.seconds >= self.budget.seconds

    def note(self, event: Event) -> None:
        """Book an event: an answer to a request, or a cost."""
        if isinstance(event, Cost):
            self.seconds += event.seconds
        elif isinstance(event, Answer):
            self.outstanding.pop(event.request.place, None)
            if isinstance(event, Accepted) or (isinstance(event, Rejected) and event.tried):
                self.images += event.made or self.counts_found
