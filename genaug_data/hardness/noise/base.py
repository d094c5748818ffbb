"""The contract of a noise policy: the table becomes a set of suspects."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.table import HardnessTable


class NoisePolicy(ABC):
    """Says how probably each label is wrong, and which examples are suspects.

    A member writes :meth:`score` and :meth:`decide`; if it can tell which label would be right, also :meth:`suggest`.
    An example whose score is not finite is never a suspect.

    Attributes:
        name: of the policy.

    Example:
        >>> class NeverBelieved(NoisePolicy):
        ...     name = "never_believed"
        ...
        ...     def score(self, table):
        ...         return 1 - table.confidence()
        ...
        ...     def decide(self, table, score):
        ...         return score > 0.9
        >>> table = HardnessTable(3)
        >>> table.predictions[:], table.probability_sum[:] = (4, 4, 0), (3.6, 0.1, 0.0)
        >>> NeverBelieved().suspects(table).tolist()
        [False, True, False]
    """

    name: str

    @abstractmethod
    def score(self, table: HardnessTable) -> np.ndarray:
        """Return how probably each label is wrong, ``(N,)``; larger is more probable, NaN is not known."""

    @abstractmethod
    def decide(self, table: HardnessTable, score: np.ndarray) -> np.ndarray:
        """Return who is a suspect by the scores that :meth:`score` gave, bool ``(N,)``; NaN decides nothing."""

    def suggest(self, table: HardnessTable) -> np.ndarray:
        """Return the label that is probably right, int64 ``(N,)``; -1 where none can be told."""
        return np.full(table.size, -1, dtype=np.int64)

    def suspects(self, table: HardnessTable) -> np.ndarray:
        """Return whose label is probably wrong, bool ``(N,)``.

        Raises:
            ConfigError: the policy did not give one score and one decision for each example.
        """
        score = np.asarray(self.score(table))
        self._check("score", score, table)
        known = np.isfinite(score)
        found = np.asarray(self.decide(table, score))
        self._check("decision", found, table)
        return found & known

    def suggestions(self, table: HardnessTable) -> np.ndarray:
        """Return the label that each suspect should probably have, int64 ``(N,)``; -1 for others and where unknown."""
        return np.where(self.suspects(table), self.suggest(table), -1)

    def _check(self, what: str, found: np.ndarray, table: HardnessTable) -> None:
        if found.shape != (table.size,):
            raise ConfigError(
                f"policy {self.name} must give one {what} for each of {table.size} examples, got shape {found.shape}; "
                "pass what belongs to the same dataset"
            )
