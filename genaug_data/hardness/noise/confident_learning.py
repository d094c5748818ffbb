"""Labels that a network which never saw them contradicts, as confidently as it is right about that class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from genaug_data.errors import DataError
from genaug_data.hardness.noise.base import NoisePolicy
from genaug_data.hardness.table import HardnessTable

# The mean of equal probabilities may be a little above them.
_ROUNDING = 1e-9
_ROWS = 1 << 16


class ConfidentLearning(NoisePolicy):
    """Suspects: the off-diagonal of the confident joint (arXiv:1911.00068).

    With t_k the mean of p_k over the examples labelled k, an example is counted as class
    ``argmax {p_k : p_k >= t_k}``, or not at all where there is none; it is a suspect if that is not its label, and the
    class is the suggestion. The score is ``(max_{k != y} p_k - p_y + 1) / 2``. Weak networks suspect too many.

    Args:
        probabilities: ``(N, C)``, each row from a network that was not trained on it (cross-validation). Of a network's
            own training set they say nothing.
        labels: class ids, integers ``(N,)``.

    Raises:
        DataError: shapes do not fit, a label is out of range, or the values are no probabilities.

    Attributes:
        joint: share of examples of given label (row) and counted class (column), float64 ``(C, C)``, of sum 1: the
            counts of each row are scaled to all examples of its label.
        noise_rate: 1 minus its diagonal.

    Example:
        >>> policy = ConfidentLearning([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.9, 0.1]], [0, 0, 1, 1])
        >>> table = HardnessTable(4)
        >>> policy.suspects(table).tolist(), policy.suggestions(table).tolist(), policy.noise_rate
        ([False, False, False, True], [-1, -1, -1, 0], 0.25)
    """

    name = "confident_learning"

    def __init__(self, probabilities: ArrayLike, labels: ArrayLike) -> None:
        given, classes = np.asarray(probabilities), np.asarray(labels)
        _check(given, classes)
        count, own = given.shape[1], given[np.arange(len(given)), classes]
        examples = np.bincount(classes, minlength=count)
        with np.errstate(invalid="ignore"):
            # Nobody can be confident of a class that nobody is labelled as: NaN is below nothing.
            thresholds = np.bincount(classes, weights=own, minlength=count) / examples
        self._counted = np.empty(len(given), dtype=np.int64)
        self._score = np.empty(len(given), dtype=np.float32)
        for start in range(0, len(given), _ROWS):
            part = slice(start, start + _ROWS)
            self._counted[part] = _counted_as(given[part], thresholds)
            self._score[part] = (_best_other(given[part], classes[part]) - own[part] + 1) / 2
        self._suspects = (self._counted >= 0) & (self._counted != classes)
        self.joint = _calibrated(self._counted, classes, examples)
        self.noise_rate = float(1 - np.trace(self.joint))

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the scores, float32 in [0, 1]; the table plays no part."""
        return self._score.copy()

    def decide(self, table: HardnessTable, score: np.ndarray) -> np.ndarray:
        """Return who is counted as another class than the given one."""
        return self._suspects

    def suggest(self, table: HardnessTable) -> np.ndarray:
        """Return the class that each example is counted as, int64; -1 for none."""
        return self._counted


def _counted_as(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    confident = np.where(probabilities >= thresholds - _ROUNDING, probabilities, -1)
    best = confident.argmax(1)
    return np.where(confident[np.arange(len(best)), best] >= 0, best, -1)


def _best_other(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1
    return others.max(1)


def _calibrated(counted: np.ndarray, classes: np.ndarray, examples: np.ndarray) -> np.ndarray:
    count, known = len(examples), counted >= 0
    joint = np.bincount(classes[known] * count + counted[known], minlength=count * count).reshape(count, count)
    # Of every label that there is, somebody is counted: whoever is most probably of it is not below the mean.
    scale = examples / np.maximum(joint.sum(1), 1) / examples.sum()
    return joint * scale[:, None]


def _check(probabilities: np.ndarray, labels: np.ndarray) -> None:
    if probabilities.ndim != 2 or probabilities.shape[1] < 2 or labels.shape != probabilities.shape[:1]:
        raise DataError(
            f"probabilities must be (N, classes) and labels (N,), got {probabilities.shape} and {labels.shape}; "
            "pass one row for each example"
        )
    if labels.dtype.kind not in "iu" or not len(labels) or not 0 <= labels.min() <= labels.max() < len(probabilities.T):
        raise DataError(
            f"labels must be integers from 0 to {len(probabilities.T) - 1}, got {np.unique(labels)[:5]}; "
            "pass the labels that are in doubt, as the classes of the probabilities"
        )
    if not ((probabilities >= 0).all() and (np.abs(probabilities.sum(1) - 1) < 0.01).all()):
        raise DataError(
            "probabilities must be finite, not negative, and sum to 1 over the classes, which these do not; "
            "pass the softmax of logits"
        )
