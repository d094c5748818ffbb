"""What training was shown, and what it is going to be shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from genaug_data.auto_off import Allotment
from genaug_data.catalogue import Catalogue
from genaug_data.in_flight import InFlight
from genaug_data.journal import JournalWriter
from genaug_data.meta import SampleMeta
from genaug_data.sayings import Sayings


class Showing:
    """Takes note of every observed batch, and publishes the catalogue for batches to come.

    Args:
        catalogue: of the variants.
        in_flight: what the sampler has drawn and the training step not observed.
        journal: notes what could not be shown.
        sayings: what the user should read.
        steps_ahead: training steps from a publication to the first slot that is drawn from it, so that DataLoader
            workers may draw as far ahead and see no difference; 0 lets it be drawn from at once.
        allot: says who may be shown, and for which share of its slots.

    Attributes:
        largest_batch: rows of the largest batch so far.
        rows: that training steps of this process were shown.
        synthetic: of these.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        in_flight: InFlight,
        journal: JournalWriter | None,
        sayings: Sayings,
        steps_ahead: int,
        allot: Callable[[], Allotment | None],
    ) -> None:
        self.largest_batch = 0
        self.rows = 0
        self.synthetic = 0
        self._catalogue = catalogue
        self._in_flight = in_flight
        self._journal = journal
        self._sayings = sayings
        self._steps_ahead = steps_ahead
        self._allot = allot
        self._missing: deque[bytes] = deque()

    def note(self, meta: SampleMeta) -> None:
        """Take note of a batch that a training step was shown."""
        misses = self._in_flight.observe(meta)
        synthetic = int(np.count_nonzero(meta.synthetic))
        self.rows += len(meta)
        self.synthetic += synthetic
        if synthetic:
            self._catalogue.show(key.tobytes() for key in meta.key[meta.synthetic])
        self.largest_batch = max(self.largest_batch, len(meta))
        if misses:
            self._missing.extend(miss.key for miss in misses)
            if self._journal is not None:
                self._journal.miss(miss.slot for miss in misses)

    def missing(self) -> list[bytes]:
        """Return the variants that should have been shown since the last call and could not be read."""
        return list(dict.fromkeys(self._missing.popleft() for _ in range(len(self._missing))))

    def publish(self, priorities: np.ndarray | None) -> None:
        """Let the present variants be drawn by ``priorities``."""
        if not self._steps_ahead:
            self.publish_at_once(priorities)
            return
        ahead = self._steps_ahead * self.largest_batch
        if self.largest_batch and self._in_flight.drawn - self._in_flight.observed > ahead:
            self._sayings.add(
                f"DataLoader workers draw further ahead than refresh_every={self._steps_ahead} steps, so that this run "
                "depends on their number; raise refresh_every, or lower num_workers or prefetch_factor"
            )
        self._catalogue.lineup.forget_before(self._in_flight.observed)
        self._catalogue.publish(priorities, self._in_flight.observed + ahead, self._allot())

    def publish_at_once(self, priorities: np.ndarray | None) -> None:
        """Let the present variants be drawn from the very next slot on."""
        self._catalogue.publish(priorities, None, self._allot())
