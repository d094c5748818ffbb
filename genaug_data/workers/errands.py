"""What a generation process was told to do, and what is left of it when another one has to go on."""

from __future__ import annotations

from collections.abc import Container, Iterable
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
        >>> errands.add([first, second], outstanding=())
        >>> errands.count_death([first])
        []
        >>> [errand] = errands.left(outstanding={first.place, second.place})
        >>> sorted(errand.answered), sorted(errand.alone)
        ([], [(3, 0)])
    """

    def __init__(self, max_attempts: int) -> None:
        self.max_attempts = max_attempts
        self._lists: list[list[Request]] = []
        self._deaths: dict[Place, int] = {}

    def add(self, requests: list[Request], outstanding: Container[Place]) -> None:
        """Note a new list; earlier ones of which nothing is outstanding are dropped."""
        self._lists = [earlier for earlier in self._lists if any(other.place in outstanding for other in earlier)]
        self._lists.append(requests)

    def answered(self, place: Place) -> None:
        """Forget the deaths in which a request took part."""
        self._deaths.pop(place, None)

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

    def left(self, outstanding: Container[Place]) -> list[Errand]:
        """Return what another process has to do, in order."""
        errands, last = [], []
        for requests in self._lists:
            suspects = [request for request in requests if request.place in self._deaths]
            again = {request.place for request in suspects if self._deaths[request.place] > 1}
            here = {request.place for request in requests if request.place in outstanding} - again
            if here:
                answered = {request.place for request in requests} - here
                alone = {request.place for request in suspects} & here
                errands.append(Errand(requests, frozenset(answered), frozenset(alone)))
            last += [Errand([request]) for request in suspects if request.place in again]
        return errands + last
