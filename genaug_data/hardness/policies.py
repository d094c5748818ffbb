"""Which policy a name or a function stands for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.ambiguity import Ambiguity
from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.entropy import Entropy
from genaug_data.hardness.loss_ema import LossEma
from genaug_data.hardness.margin import Margin
from genaug_data.hardness.table import HardnessTable
from genaug_data.hardness.uniform import Uniform

POLICIES: dict[str, type[HardnessPolicy]] = {
    policy.name: policy for policy in (Ambiguity, Uniform, LossEma, Entropy, Margin)
}
"""The policies that have a name."""


class FunctionPolicy(HardnessPolicy):
    """A user's function of the table as a policy.

    Args:
        function: takes the table, returns a score for every example, ``(N,)``.
    """

    name = "function"

    def __init__(self, function: Callable[[HardnessTable], np.ndarray]) -> None:
        self._function = function

    def score(self, table: HardnessTable, known: np.ndarray) -> np.ndarray:
        """Return the function's scores of the examples known.

        Raises:
            ConfigError: it returned another number of scores than there are examples.
        """
        scores = np.asarray(self._function(table))
        if scores.shape != (table.size,):
            raise ConfigError(f"a policy must return one score for each of {table.size} examples, got {scores.shape}")
        return scores[known]


def resolve_policy(policy: str | HardnessPolicy | Callable[[HardnessTable], np.ndarray]) -> HardnessPolicy:
    """Return the policy that a name, a policy or a function of the table stands for.

    Raises:
        ConfigError: it stands for none.

    Example:
        >>> resolve_policy("entropy").name
        'entropy'
    """
    if isinstance(policy, HardnessPolicy):
        return policy
    if isinstance(policy, str) and policy in POLICIES:
        return POLICIES[policy]()
    if callable(policy):
        return FunctionPolicy(policy)
    raise ConfigError(f"policy must be one of {sorted(POLICIES)}, a policy or a function of the table, got {policy!r}")
