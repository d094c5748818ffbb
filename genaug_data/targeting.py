"""Who may be a parent: seen often enough, among the hardest, and with a label that is not in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness import HardnessPolicy, HardnessTable
from genaug_data.hardness.noise import AumQuantile, NoisePolicy
from genaug_data.usefulness import UsefulnessMeter


@dataclass(frozen=True, slots=True)
class Suspect:
    """An example whose label is probably wrong.

    Args:
        index: of the example.
        label: that it has.
        suggested: that it should probably have; -1 where that cannot be told.
        score: of the noise policy; larger is more probably wrong.
    """

    index: int
    label: int
    suggested: int
    score: float


class Choice(NamedTuple):
    """Who is to have variants.

    Args:
        priorities: probability of each example to become a parent, float64 ``(N,)``, sum 1; 0 for suspects.
        parents: who may become one, bool ``(N,)``.
        suspects: whose label is in doubt, bool ``(N,)``.
    """

    priorities: np.ndarray
    parents: np.ndarray
    suspects: np.ndarray


class Targeting:
    """Turns the table into priorities and the set of those that may be parents.

    A suspect has priority 0: it stays in training, but ten children of a wrong label would be ten wrong labels.

    Args:
        policy: says how hard each example is.
        noise: says whose label is in doubt; None for nobody.
        parent_share: share of the examples that may be parents at a time, in (0, 1]: those of the largest priority,
            and all that are as large as the least of these.
        meter: knows of whom no variants are wanted; None for nobody.

    Raises:
        ConfigError: ``parent_share`` is outside (0, 1].

    Example:
        >>> from genaug_data.hardness import resolve_policy
        >>> table = HardnessTable(4)
        >>> table.observations[:], table.loss_ema[:] = 2, (0.1, 0.9, 0.5, 0.2)
        >>> Targeting(resolve_policy("loss_ema"), parent_share=0.5).choose(table).parents.tolist()
        [False, True, True, False]
    """

    def __init__(
        self,
        policy: HardnessPolicy,
        noise: NoisePolicy | None = None,
        parent_share: float = 1.0,
        meter: UsefulnessMeter | None = None,
    ) -> None:
        if not 0 < parent_share <= 1:
            raise ConfigError(
                f"parent_share must be in (0, 1], got {parent_share}; 0.4 lets the hardest two fifths be parents"
            )
        self.policy = policy
        self.noise = noise
        self._parent_share = parent_share
        self._meter = meter

    @property
    def course(self) -> dict[str, str | float | None]:
        """What the choice of parents depends on, besides the table."""
        return {
            "policy": self.policy.name,
            "noise": None if self.noise is None else self.noise.name,
            "parent_share": self._parent_share,
        }

    def choose(self, table: HardnessTable) -> Choice:
        """Return the priorities, and who may be a parent.

        Raises:
            ConfigError: a policy does not fit the dataset.
        """
        priorities = self.policy.priorities(table)
        suspects = np.zeros(table.size, dtype=bool) if self.noise is None else self.noise.suspects(table)
        wanted = self.wanted(table)
        unwanted = suspects if wanted is None else suspects | ~wanted
        if unwanted.any():
            priorities = np.where(unwanted, 0.0, priorities)
            priorities /= priorities.sum() or 1.0
        parents = (table.observations >= self.policy.min_observations) & ~unwanted
        if self._parent_share < 1:
            count = max(1, round(self._parent_share * table.size))
            parents &= priorities >= np.partition(priorities, -count)[-count]
        return Choice(priorities, parents, suspects)

    def wanted(self, table: HardnessTable) -> np.ndarray | None:
        """Return of whom variants are worth making, bool ``(N,)``; None for everybody."""
        return None if self._meter is None else self._meter.may_be_parents(table.label)

    def suspects(self, table: HardnessTable) -> list[Suspect]:
        """Return the suspects, the most suspicious first; without a noise policy, those of :class:`AumQuantile`."""
        noise = AumQuantile() if self.noise is None else self.noise
        score, suggested = noise.score(table), noise.suggest(table)
        suspects = noise.suspects(table)
        if self._meter is not None:
            # What was never trained on looks like a wrong label.
            suspects &= ~self._meter.held_out
        found = np.flatnonzero(suspects)
        return [
            Suspect(int(index), int(table.label[index]), int(suggested[index]), float(score[index]))
            for index in found[np.argsort(-score[found], kind="stable")]
        ]
