"""What the generation process is still to be told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from genaug_data.sample import Request
from genaug_data.workers.errands import Errand

# A message must fit into the socket's buffer, so that the sender never blocks on a child that is busy.
_KEYS_A_MESSAGE = 1000


class Outbox:
    """Errands, withdrawals, evictions and the newest snapshot, until the child was sent them or has carried them out.

    Attributes:
        errands: that were not sent yet.
        snapshot: file of the newest one of the model under training; may be set by any thread.
    """

    def __init__(self) -> None:
        self.errands: list[Errand] = []
        self.snapshot: Path | None = None
        self._learned: Path | None = None
        self._evictions: list[bytes] = []
        self._evicting: list[bytes] = []
        self._withdrawing: dict[tuple[int, int], Request] = {}
        self._withdrawals: list[Request] = []

    @property
    def evicting(self) -> int:
        """How many evictions were not carried out yet."""
        return len(self._evictions) + len(self._evicting)

    @property
    def has_snapshot(self) -> bool:
        """Whether the child does not know the newest snapshot."""
        return self.snapshot is not None and self.snapshot != self._learned

    def withdraw(self, requests: Sequence[Request], outstanding: Collection[tuple[int, int]]) -> None:
        """Take withdrawals of requests that are outstanding; those that were taken before count once."""
        new = [
            request for request in requests if request.place in outstanding and request.place not in self._withdrawing
        ]
        self._withdrawing.update({request.place: request for request in new})
        self._withdrawals.extend(new)

    def evict(self, keys: Sequence[bytes]) -> None:
        """Take evictions."""
        self._evictions.extend(keys)

    def send(self, connection: Connection) -> None:
        """Send what waits, and of the evictions as many as go into one message.

        Raises:
            OSError: nobody listens any more.
        """
        if self._evictions and not self._evicting:
            self._evicting = self._evictions[:_KEYS_A_MESSAGE]
            del self._evictions[:_KEYS_A_MESSAGE]
            connection.send(("evict", self._evicting))
        snapshot = self.snapshot
        if snapshot is not None and snapshot != self._learned:
            # Before the requests that were ordered after it.
            connection.send(("learn", snapshot))
            self._learned = snapshot
        for errand in self.errands:
            connection.send(("run", errand))
        self.errands.clear()
        if self._withdrawals:
            connection.send(("withdraw", self._withdrawals))
            self._withdrawals.clear()

    def evicted(self) -> None:
        """Take note that the evictions of the last message were carried out."""
        self._evicting = []

    def answered(self, place: tuple[int, int]) -> None:
        """Take note that a request was answered, so that there is nothing left to withdraw."""
        self._withdrawing.pop(place, None)

    def address_anew(self, errands: list[Errand]) -> None:
        """Prepare to tell another child, which knows of nothing, what is left.

        Args:
            errands: that were not answered.
        """
        self.errands = errands
        self._learned = None
        self._evictions, self._evicting = self._evicting + self._evictions, []
        self._withdrawals = list(self._withdrawing.values())

    def drop_evictions(self) -> None:
        """Forget the evictions: nobody is there to carry them out, or to be waited for."""
        self._evictions.clear()
        self._evicting = []

    def clear(self) -> None:
        """Forget everything but the newest snapshot, which the next child is to be told."""
        self.errands.clear()
        self.drop_evictions()
        self._withdrawing.clear()
        self._withdrawals.clear()
        self._learned = None
