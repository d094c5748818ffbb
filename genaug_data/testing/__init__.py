"""Checks that every generator, gate, policy, worker and cache must pass, ours and yours: call them from a test."""

from genaug_data.testing.caches import check_cache
from genaug_data.testing.gates import check_gate
from genaug_data.testing.generators import check_generator
from genaug_data.testing.policies import check_policy
from genaug_data.testing.rules import Violation
from genaug_data.testing.workers import check_worker

__all__ = ["Violation", "check_cache", "check_gate", "check_generator", "check_policy", "check_worker"]
