"""Who is hard: what training said of every example, and what follows from it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ledger import TrialCounts, TrialLedger
from genaug_data.hardness.policies import POLICIES, resolve_policy
from genaug_data.hardness.statistics import RowStatistics, check_feedback, row_statistics
from genaug_data.hardness.table import HardnessTable, Ignored

if TYPE_CHECKING:
    from genaug_data.hardness.ambiguity import Ambiguity
    from genaug_data.hardness.aum import Aum
    from genaug_data.hardness.class_balanced import ClassBalanced
    from genaug_data.hardness.combination import Combination
    from genaug_data.hardness.confidence import Confidence
    from genaug_data.hardness.el2n import El2n
    from genaug_data.hardness.ensemble import EnsembleDisagreement
    from genaug_data.hardness.entropy import Entropy
    from genaug_data.hardness.feature_neighbours import FeatureNeighbours
    from genaug_data.hardness.forgetting import Forgetting
    from genaug_data.hardness.importance import importance_weights
    from genaug_data.hardness.latecomer import Latecomer
    from genaug_data.hardness.loss_ema import LossEma
    from genaug_data.hardness.loss_rank import LossRank
    from genaug_data.hardness.loss_trend import LossTrend
    from genaug_data.hardness.margin import Margin
    from genaug_data.hardness.reducible_loss import ReducibleLoss
    from genaug_data.hardness.slow_learned import SlowLearned
    from genaug_data.hardness.split_half import split_half_losses
    from genaug_data.hardness.uniform import Uniform
    from genaug_data.hardness.variability import Variability

_HOMES = {
    "Ambiguity": "ambiguity",
    "Aum": "aum",
    "ClassBalanced": "class_balanced",
    "Combination": "combination",
    "Confidence": "confidence",
    "El2n": "el2n",
    "EnsembleDisagreement": "ensemble",
    "Entropy": "entropy",
    "FeatureNeighbours": "feature_neighbours",
    "Forgetting": "forgetting",
    "Latecomer": "latecomer",
    "LossEma": "loss_ema",
    "LossRank": "loss_rank",
    "LossTrend": "loss_trend",
    "Margin": "margin",
    "ReducibleLoss": "reducible_loss",
    "SlowLearned": "slow_learned",
    "Uniform": "uniform",
    "Variability": "variability",
    "importance_weights": "importance",
    "split_half_losses": "split_half",
}

__all__ = [
    "POLICIES",
    "Ambiguity",
    "Aum",
    "ClassBalanced",
    "Combination",
    "Confidence",
    "El2n",
    "EnsembleDisagreement",
    "Entropy",
    "FeatureNeighbours",
    "Forgetting",
    "HardnessPolicy",
    "HardnessTable",
    "Ignored",
    "Latecomer",
    "LossEma",
    "LossRank",
    "LossTrend",
    "Margin",
    "ReducibleLoss",
    "RowStatistics",
    "SlowLearned",
    "TrialCounts",
    "TrialLedger",
    "Uniform",
    "Variability",
    "check_feedback",
    "importance_weights",
    "resolve_policy",
    "row_statistics",
    "split_half_losses",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
