"""What happened in the background, said once each, from the training thread."""

from __future__ import annotations

import warnings

from genaug_data.errors import GenaugWarning


class Sayings:
    """Collects sentences in any thread; :meth:`speak` warns of the new ones in the thread that calls it.

    The training thread is where the user's warning filters and logs are.

    Example:
        >>> sayings = Sayings()
        >>> sayings.add("the disk is full")
        >>> sayings.last()
        'the disk is full'
    """

    def __init__(self) -> None:
        self._sentences: list[str] = []
        self._spoken = 0

    def add(self, sentence: str) -> None:
        """Keep a sentence to be said, unless it was kept before."""
        if sentence not in self._sentences:
            self._sentences.append(sentence)

    def speak(self) -> None:
        """Warn, with a :class:`GenaugWarning` each, of what was not said yet."""
        unsaid, self._spoken = self._sentences[self._spoken :], len(self._sentences)
        for sentence in unsaid:
            warnings.warn(sentence, GenaugWarning, stacklevel=3)

    @property
    def sentences(self) -> list[str]:
        """All that was kept, in order."""
        return list(self._sentences)

    def last(self) -> str:
        """Return the last sentence, for an error that says it; no warning repeats it."""
        self._spoken = len(self._sentences)
        return self._sentences[-1] if self._sentences else "no reason was given"
