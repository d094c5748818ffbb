"""What is decided every few steps: who is hard, and whose variants are shown, retired and ordered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from genaug_data.cache import CacheReader
from genaug_data.catalogue import Catalogue
from genaug_data.feedback import Feedback
from genaug_data.in_flight import InFlight
from genaug_data.intake import Intake
from genaug_data.journal import JournalWriter
from genaug_data.ordering import Ordering
from genaug_data.planner import Planner
from genaug_data.repair import Repair
from genaug_data.retirement import Retirement
from genaug_data.sayings import Sayings
from genaug_data.showing import Showing
from genaug_data.targeting import Choice, Targeting
from genaug_data.workers.base import Worker


class Refresher:
    """Works out priorities, retires what failed its trial, and orders variants of the hardest parents.

    Args:
        feedback: where observations went.
        targeting: turns the hardness table into priorities, and says who may be a parent.
        planner: turns priorities into requests.
        catalogue: what the sampler draws from.
        worker: makes the variants.
        reader: of the cache that the worker fills.
        in_flight: what the sampler has drawn and the training step not observed.
        journal: notes what could not be shown.
        sayings: what the user should read.
        max_bytes: bound of that cache.
        mode: "async" or "sync".
        refresh_every: steps between two refreshes.
        generate: False orders nothing, because no slot is going to show a variant.

    Attributes:
        choice: of the last refresh; None before the first.
        priorities: of each example, as of the last refresh or of a saved state; None before.
    """

    def __init__(
        self,
        *,
        feedback: Feedback,
        targeting: Targeting,
        planner: Planner,
        catalogue: Catalogue,
        worker: Worker,
        reader: CacheReader,
        in_flight: InFlight,
        journal: JournalWriter | None,
        sayings: Sayings,
        max_bytes: int,
        mode: Literal["async", "sync"],
        refresh_every: int,
        generate: bool,
    ) -> None:
        is_sync = mode == "sync"
        self.feedback = feedback
        self.targeting = targeting
        self.planner = planner
        self.catalogue = catalogue
        self.choice: Choice | None = None
        self.priorities: np.ndarray | None = None
        self._worker = worker
        self._is_sync = is_sync
        self._generate = generate
        self.intake = Intake(catalogue, planner, feedback.ledger, reader, sayings, in_order=is_sync)
        self.showing = Showing(catalogue, in_flight, journal, sayings, refresh_every if is_sync else 0, feedback.allot)
        self.retirement = Retirement(
            feedback, catalogue, self.intake, worker, reader, in_flight, max_bytes=max_bytes, leaves_room=is_sync
        )
        self.ordering = Ordering(planner, self.intake, self.retirement, worker, in_turn=is_sync)
        self.repair = Repair(catalogue, self.intake, self.ordering, worker, reader, sayings)

    def refresh(self, wait: Callable[[Callable[[], bool]], None]) -> None:
        """Do all of it once.

        Args:
            wait: takes in the worker's news until what it is given is False; called in mode "sync" alone.
        """
        self.choice = choice = self.targeting.choose(self.feedback.table)
        self.priorities = choice.priorities
        if self.intake.follows:
            self.intake.adopt()
        self.repair.replace(self.showing.missing())
        if self._is_sync:
            wait(lambda: self._worker.stats().outstanding > 0)
        self.retirement.retire(choice)
        self.publish()
        if not self.ordering.is_paused:
            self.retirement.evict()
        if self._is_sync:
            wait(lambda: self._worker.stats().evicting > 0)
        self.ordering.pause_if_full()
        if self._generate and not self.ordering.is_paused:
            self.ordering.hardest(choice)
        if not self._is_sync:
            # Parents with and without children have other shares of the draws from now on.
            self.publish()

    def publish(self) -> None:
        """Let the sampler draw by what is known now."""
        self.showing.publish(self.priorities)

    def begin(self, *, is_restored: bool) -> None:
        """Show what the cache holds as a run begins, or bring it back to what a saved run knew of it."""
        if not self.intake.adopts:
            self.repair.return_to_state()
        elif not is_restored:
            self.showing.publish_at_once(self.priorities)

    def use_room(self) -> bool:
        """Order more of the last choice where room has come free meanwhile; returns whether it has."""
        if not self.intake.freed or self.choice is None:
            return False
        self.intake.freed = False
        if not self.ordering.is_paused:
            self.ordering.more(self.choice)
        return True
