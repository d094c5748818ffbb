"""Which variants leave the cache, and from when on nobody can be shown them."""

from __future__ import annotations

import numpy as np

from genaug_data.cache import CacheReader
from genaug_data.catalogue import Catalogue
from genaug_data.eviction import victims
from genaug_data.feedback import Feedback
from genaug_data.in_flight import InFlight
from genaug_data.intake import Intake
from genaug_data.targeting import Choice
from genaug_data.workers.base import Worker

_NEARLY_FULL = 0.9
_MARGIN = 1.5
_FIRST = 16
_A_TENTH, _MOST = 0.1, 0.5
_REASONS = {"wrong": "retired as broken", "right": "retired as too easy"}


class Retirement:
    """Takes variants out of the catalogue, and has them evicted once no slot can be drawn from them any more.

    Args:
        feedback: its ledger knows which variants failed their trial.
        catalogue: that they are taken out of.
        intake: keeps those that are about to leave.
        worker: evicts them.
        reader: of the cache.
        in_flight: how far the training step has come.
        max_bytes: bound of the cache.
        leaves_room: whether no more may be ordered than there is room for, so that the cache's writer never evicts by
            itself, at a moment that nobody can foresee.
    """

    def __init__(
        self,
        feedback: Feedback,
        catalogue: Catalogue,
        intake: Intake,
        worker: Worker,
        reader: CacheReader,
        in_flight: InFlight,
        *,
        max_bytes: int,
        leaves_room: bool,
    ) -> None:
        self._feedback = feedback
        self._catalogue = catalogue
        self._intake = intake
        self._worker = worker
        self._reader = reader
        self._in_flight = in_flight
        self._max_bytes = max_bytes
        self._leaves_room = leaves_room

    def retire(self, choice: Choice) -> None:
        """Take out what failed its trial or has a suspect for its parent, and more if there is no room.

        That is a tenth of the variants, worth least, where the cache is nearly full; where the file system is, twice as
        many each time in a row, up to half: what one batch needs may be more than a tenth frees.
        """
        retired = self._feedback.ledger.retired()
        self._judge(retired)
        for reason in retired.values():
            self._intake.counts[_REASONS[reason]] += 1
        self._intake.leave(retired)
        doubtful = []
        if choice.suspects.any():
            doubtful = [key for key, parent, _ in self._catalogue.items() if choice.suspects[parent]]
        self._intake.counts["retired with their parent"] += len(doubtful)
        self._intake.leave(doubtful)
        stored = self._reader.stats()
        # What is about to leave takes its share of the bytes along.
        staying = stored.bytes * (1 - len(self._intake.leaving) / max(1, stored.records))
        # While the file system has no room even for evictions, more of them would only empty the catalogue.
        needs_room = self._intake.full and not self._intake.leaving
        if needs_room or staying > _NEARLY_FULL * self._max_bytes or self.room(most=1) < 1:
            items = self._catalogue.items()
            share = min(_A_TENTH * 2.0**self._intake.full_in_a_row, _MOST) if needs_room else _A_TENTH
            self._intake.leave(victims(items, choice.priorities, max(1, int(share * len(items)))))

    def _judge(self, retired: dict[bytes, str]) -> None:
        """Tell the meter, if there is one, how the trials of each class stand."""
        meter, labels = self._feedback.meter, self._feedback.table.label
        if meter is not None:
            failed, passing = (
                labels[np.array(self._catalogue.parents_of(keys), dtype=np.int64)]
                for keys in (retired, self._feedback.ledger.passing())
            )
            meter.judge(failed, passing)

    def evict(self) -> None:
        """Have the worker remove what is in no snapshot that a slot may still be drawn from."""
        leaving = self._intake.leaving
        if not leaving:
            return
        self._catalogue.lineup.forget_before(self._in_flight.observed)
        held = self._catalogue.lineup.held()
        due = [key for key, is_asked in leaving.items() if not is_asked and key not in held]
        leaving.update(dict.fromkeys(due, True))
        self._worker.evict(due)

    def room(self, most: int) -> int:
        """Return how many variants may be ordered, up to ``most``."""
        stored = self._reader.stats()
        if not self._leaves_room:
            return most
        if not stored.records:
            # How large they are is known once there are some.
            return min(most, _FIRST)
        return min(most, int((self._max_bytes - stored.bytes) / (_MARGIN * stored.bytes / stored.records)))
