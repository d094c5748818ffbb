"""Which requests the worker is given, and when."""

from __future__ import annotations

import time
from collections.abc import Sequence

from genaug_data.intake import Intake
from genaug_data.planner import Planner
from genaug_data.retirement import Retirement
from genaug_data.sample import Request
from genaug_data.targeting import Choice
from genaug_data.workers.base import Worker

_AT_ONCE = 256
_LONGEST_PAUSE = 60.0


class Ordering:
    """Orders variants of the hardest parents, as many as there is room for, and pauses while the file system is full.

    Args:
        planner: turns priorities into requests.
        intake: knows what is on order and whether there was room.
        retirement: knows how much room the cache has.
        worker: makes the variants.
        in_turn: whether a list of :meth:`in_turn` waits until the one before is answered, so that what the worker
            makes in one go does not depend on timing.
    """

    def __init__(
        self,
        planner: Planner,
        intake: Intake,
        retirement: Retirement,
        worker: Worker,
        *,
        in_turn: bool,
    ) -> None:
        self._planner = planner
        self._intake = intake
        self._retirement = retirement
        self._worker = worker
        self._in_turn = in_turn
        self._resume_at = 0.0

    @property
    def is_paused(self) -> bool:
        """Whether the file system was full a moment ago."""
        return time.monotonic() < self._resume_at

    def pause_if_full(self) -> None:
        """Pause if there was no room, twice as long each time: others may fill what an eviction frees."""
        if self._intake.full:
            self._resume_at = time.monotonic() + min(2.0**self._intake.full_in_a_row, _LONGEST_PAUSE)
            self._intake.full_in_a_row += 1
            self._intake.full = False

    def order(self, requests: Sequence[Request]) -> int:
        """Hand requests to the worker, but for those that it has; returns how many from the first on need no more."""
        new = [request for request in requests if request.place not in self._intake.on_order]
        taken = self._worker.submit(new) if new else 0
        for request in new[:taken]:
            self._intake.ordered(request)
        return len(requests) if taken == len(new) else requests.index(new[taken])

    def in_turn(self, requests: Sequence[Request]) -> int:
        """Hand the first of a long list of requests to the worker, if it is time for them; returns how many it took."""
        if self._in_turn and self._worker.stats().outstanding:
            return 0
        return self.order(requests[:_AT_ONCE])

    def hardest(self, choice: Choice) -> None:
        """Order variants of the hardest parents; what waits gives way to them where there is no room for all."""
        priorities = choice.priorities
        waiting = sorted(self._intake.on_order.values(), key=lambda request: float(priorities[request.parent]))
        planned = self._planner.plan(priorities, self._retirement.room(_AT_ONCE), choice.parents)
        left = planned[self.order(planned) :]
        pairs = zip(waiting, left, strict=False)
        self._worker.withdraw([old for old, new in pairs if priorities[old.parent] < priorities[new.parent]])

    def more(self, choice: Choice) -> None:
        """Order variants of the hardest parents in the place of those that were withdrawn."""
        self.order(self._planner.plan(choice.priorities, _AT_ONCE, choice.parents))
