"""What a slow function has said lately."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Said = TypeVar("_Said")

MOST = 4096


class Memory(Generic[_Key, _Said]):
    """Keeps the latest answers, so that what is being made can be told again for its provenance without asking again.

    Args:
        most: answers that are kept.

    Example:
        >>> memory: Memory[str, int] = Memory()
        >>> memory.recall("a", lambda: 3), memory.recall("a", lambda: 4)
        (3, 3)
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[_Key, _Said] = {}

    def recall(self, key: _Key, ask: Callable[[], _Said]) -> _Said:
        """Return what was said for ``key``, asking only if it is not known, and forget what was long not recalled."""
        said = self._known.pop(key) if key in self._known else ask()
        self._known[key] = said  # the latest is the last
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return said
