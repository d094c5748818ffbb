"""What a generation process was told to do, and what is left of it when another one has to go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from genaug_data.sample import Request

Place = tuple[int, int]


class Errand(NamedTuple):
    """One list of requests, and how it is to be worked on; see :meth:`Production.run`."""

    requests: list[Request]
    answered: frozenset[Place] = frozenset()
    alone: frozenset[Place] = frozenset()


class Errands:
    """The lists of requests that were handed out, and in how many deaths of a process each request took part.

    A process that goes on with them makes what is left in the order in which it would have been made: gates that
    compare variants with earlier ones then judge as if nothing had happened. What was being made is made in calls of
    one, so that the next death says which request causes it; what is being made in a second death is put behind all
    others, so that these do not wait for it.

    Args:
        max_attempts: deaths that one request may take part in.

    Example:
        >>> from genaug_data.sample import Recipe
        >>> first, second = (Request(parent, 0, Recipe(), seed=1, priority=0.5) for parent in (3, 8))
        >>> errands = Errands(max_attempts=3)
        >>> errands.add([first, second])
        >>> errands.count_death([first])
        []
        >>> [errand] = errands.left()
        >>> sorted(errand.answered), sorted(errand.alone)
        ([], [(3, 0)])
    """

    def __init__(self, max_attempts: int) -> None:
        self.max_attempts = max_attempts
        # With each list, the places of those of its requests that have no answer yet.
        self._lists: list[tuple[list[Request], set[Place]]] = []
        self._deaths: dict[Place, int] = {}

    def add(self, requests: list[Request]) -> None:
        """Note a new list, none of whose requests is without an answer in another."""
        self._lists.append((requests, {request.place for request in requests}))

    def answered(self, place: Place) -> None:
        """Note that a request has its answer."""
        self._deaths.pop(place, None)
        for _, open_places in self._lists:
            open_places.discard(place)
        self._lists = [entry for entry in self._lists if entry[1]]

    def clear(self) -> None:
        """Forget everything."""
        self._lists.clear()
        self._deaths.clear()

    def count_death(self, suspects: Iterable[Request]) -> list[Request]:
        """Book the death of a process that was making ``suspects``; returns those that are not to be tried again."""
        doomed = []
        for request in suspects:
            self._deaths[request.place] = self._deaths.get(request.place, 0) + 1
            if self._deaths[request.place] >= self.max_attempts:
                doomed.append(request)
        return doomed

    def left(self) -> list[Errand]:
        """Return what another process has to do, in order."""
        errands, last = [], []
        for requests, open_places in self._lists:
            again = {place for place in open_places if self._deaths.get(place, 0) > 1}
            here = open_places - again
            if here:
                answered = {request.place for request in requests} - here
                alone = self._deaths.keys() & here
                errands.append(Errand(requests, frozenset(answered), frozenset(alone)))
            last += [Errand([request]) for request in requests if request.place in again]
        return errands + last
