"""Who is hard: what training said of every example, and what follows from it."""

from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ledger import TrialCounts, TrialLedger
from genaug_data.hardness.policies import POLICIES, resolve_policy
from genaug_data.hardness.statistics import RowStatistics, check_feedback, row_statistics
from genaug_data.hardness.table import HardnessTable, Ignored

__all__ = [
    "POLICIES",
    "HardnessPolicy",
    "HardnessTable",
    "Ignored",
    "RowStatistics",
    "TrialCounts",
    "TrialLedger",
    "check_feedback",
    "resolve_policy",
    "row_statistics",
]
