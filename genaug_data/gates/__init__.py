"""Which variant may train: cheap gates first, the leak gate against copies of protected images last."""

from __future__ import annotations

from collections.abc import Sequence

from genaug_data.gates.base import Gate, amended, fingerprint_of, judge_all
from genaug_data.gates.duplicate import Duplicate
from genaug_data.gates.feature import FeatureSimilarity
from genaug_data.gates.feature_network import FeatureNetwork, fit_features
from genaug_data.gates.leak import Leak
from genaug_data.gates.no_op import NoOp
from genaug_data.gates.overlap import check_disjoint
from genaug_data.gates.validity import Validity
from genaug_data.sample import Sample

__all__ = [
    "Duplicate",
    "FeatureNetwork",
    "FeatureSimilarity",
    "Gate",
    "Leak",
    "NoOp",
    "Validity",
    "amended",
    "check_disjoint",
    "default_gates",
    "fingerprint_of",
    "fit_features",
    "judge_all",
]


def default_gates(protected: Sequence[Sequence[Sample]] = ()) -> list[Gate]:
    """Return the gates that a run has by itself; the leak gate if there are protected sets.

    Args:
        protected: the protected sets, each a sequence of samples; of a dataset,
            ``SampleView(dataset, resolve_task("auto", dataset))`` of :mod:`genaug_data.tasks`.

    Example:
        >>> [gate.name for gate in default_gates()]
        ['validity', 'no_op', 'duplicate']
    """
    gates: list[Gate] = [Validity(), NoOp(), Duplicate()]
    return [*gates, Leak(protected)] if len(protected) else gates
