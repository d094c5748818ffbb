from __future__ import annotations

import math

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.gates.quality import EnsembleDisagreement
from tests.gates.quality.nets import as_logits, dark_or_bright, halved, pixels


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def entropy(probabilities: list[float]) -> float:
    return -sum(value * math.log(value) for value in probabilities)


def divergence(rows: list[list[float]]) -> float:
    each = [softmax(row) for row in rows]
    mean = [sum(column) / len(each) for column in zip(*each, strict=True)]
    return entropy(mean) - sum(entropy(one) for one in each) / len(each)


def test_the_score_is_one_minus_the_normalised_divergence() -> None:
    child = pixels([4, 1, 0])
    (verdict,) = EnsembleDisagreement([as_logits, halved], 0.9).judge([child], [child])
    expected = 1 - divergence([[4, 1, 0], [2, 0.5, 0]]) / math.log(2)
    assert verdict.score == pytest.approx(expected)
    assert verdict.accepted == (expected >= 0.9)
    assert verdict.threshold == 0.9


def test_three_members_that_are_each_sure_of_another_class_have_score_0_and_one_opinion_score_1() -> None:
    child = pixels([1, 2, 3])
    sure = [lambda images, row=row: 900.0 * torch.eye(3)[row : row + 1] for row in range(3)]
    assert EnsembleDisagreement(sure, 0.5).judge([child], [child])[0].score == pytest.approx(0)
    assert EnsembleDisagreement([as_logits] * 3, 0.5).judge([child], [child])[0].score == pytest.approx(1)


def test_masks_have_the_mean_over_pixels() -> None:
    child = pixels([0, 9], [6, 4], target=torch.zeros(2, 2, dtype=torch.int64))
    doubled = lambda images: 2 * dark_or_bright(images)  # noqa: E731
    (verdict,) = EnsembleDisagreement([dark_or_bright, doubled], 0.5).judge([child], [child])
    each = [divergence([[4 - v, v - 4], [8 - 2 * v, 2 * v - 8]]) for v in (0, 9, 6, 4)]
    assert verdict.score == pytest.approx(1 - sum(each) / 4 / math.log(2))


def test_an_ensemble_of_one_or_of_different_shapes_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs at least 2 members to disagree, got 1"):
        EnsembleDisagreement([as_logits])
    child = pixels([1, 2])
    with pytest.raises(ConfigError, match=r"logits of one shape, got \[\(2,\), \(2, 1, 2\)\]"):
        EnsembleDisagreement([as_logits, dark_or_bright], 0.5).judge([child], [child])
