"""Which policy a name or a function stands for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.hardness.ambiguity import Ambiguity
from genaug_data.hardness.aum import Aum
from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.confidence import Confidence
from genaug_data.hardness.el2n import El2n
from genaug_data.hardness.entropy import Entropy
from genaug_data.hardness.forgetting import Forgetting
from genaug_data.hardness.latecomer import Latecomer
from genaug_data.hardness.loss_ema import LossEma
from genaug_data.hardness.loss_rank import LossRank
from genaug_data.hardness.loss_trend import LossTrend
from genaug_data.hardness.margin import Margin
from genaug_data.hardness.slow_learned import SlowLearned
from genaug_data.hardness.table import HardnessTable
from genaug_data.hardness.uniform import Uniform
from genaug_data.hardness.variability import Variability

POLICIES: dict[str, type[HardnessPolicy]] = {
    policy.name: policy
    for policy in (
        Latecomer,
        Ambiguity,
        Uniform,
        LossEma,
        LossRank,
        LossTrend,
        Entropy,
        Margin,
        El2n,
        Forgetting,
        Aum,
        Confidence,
        Variability,
        SlowLearned,
    )
}
"""The policies that have a name: those that need nothing but the table."""


class FunctionPolicy(HardnessPolicy):
    """Score: what a user's function of the table returns, ``(N,)``.

    Example:
        >>> table = HardnessTable(2)
        >>> table.observations[:], table.forgetting[:] = 2, (0, 3)
        >>> FunctionPolicy(lambda table: table.forgetting).priorities(table).round(3).tolist()
        [0.075, 0.925]
    """

    name = "function"

    def __init__(self, function: Callable[[HardnessTable], np.ndarray]) -> None:
        super().__init__()
        self._function = function

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the function's scores."""
        return self._function(table)


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
    if callable(policy) and not isinstance(policy, type):
        return FunctionPolicy(policy)
    raise ConfigError(
        f"policy must be one of {sorted(POLICIES)}, a policy object or a function of the table, got {policy!r}"
    )
