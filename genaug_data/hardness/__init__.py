"""Who is hard: what training said of every example, and what follows from it."""

from __future__ import annotations

from genaug_data.hardness.ambiguity import Ambiguity
from genaug_data.hardness.aum import Aum
from genaug_data.hardness.base import HardnessPolicy
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
from genaug_data.hardness.ledger import TrialCounts, TrialLedger
from genaug_data.hardness.loss_ema import LossEma
from genaug_data.hardness.loss_rank import LossRank
from genaug_data.hardness.loss_trend import LossTrend
from genaug_data.hardness.margin import Margin
from genaug_data.hardness.policies import POLICIES, resolve_policy
from genaug_data.hardness.reducible_loss import ReducibleLoss
from genaug_data.hardness.slow_learned import SlowLearned
from genaug_data.hardness.split_half import split_half_losses
from genaug_data.hardness.statistics import RowStatistics, check_feedback, row_statistics
from genaug_data.hardness.table import HardnessTable, Ignored
from genaug_data.hardness.uniform import Uniform
from genaug_data.hardness.variability import Variability

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
