from __future__ import annotations

import math

import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.gates.quality import Agreement, UnderTraining, thresholds
from genaug_data.gates.snapshot import Snapshot
from genaug_data.sample import Sample
from tests.gates.quality.nets import as_logits, dark_or_bright, pixels


def probability(logits: list[int], label: int) -> float:
    return math.exp(logits[label]) / sum(math.exp(value) for value in logits)


def test_both_ends_are_cut_off() -> None:
    rows = [[3, 1, 2], [0, 5, 0], [9, 1, 1]]
    children = [pixels(row) for row in rows]
    verdicts = Agreement(as_logits).judge(children, children)
    assert [verdict.score for verdict in verdicts] == pytest.approx([probability(row, 0) for row in rows])
    assert [verdict.accepted for verdict in verdicts] == [True, False, False]
    assert verdicts[1].reason == (
        "the image does not show its label: the classifier gives it 0.0066, at least 0.1000 is needed"
    )
    assert verdicts[2].reason == (
        "the image is too easy: the classifier gives its label 0.9993, at most 0.9500 is allowed"
    )
    assert {verdict.threshold for verdict in verdicts} == {thresholds.AGREEMENT_LEAST}
    assert {verdict.details["most"] for verdict in verdicts} == {thresholds.AGREEMENT_MOST}


def test_the_bounds_themselves_are_accepted() -> None:
    child = pixels([7, 7])
    assert Agreement(as_logits, least=0.5, most=1).judge([child], [child])[0].accepted
    assert Agreement(as_logits, least=0.0, most=0.5).judge([child], [child])[0].accepted
    assert not Agreement(as_logits, least=0.0, most=0.49).judge([child], [child])[0].accepted


@pytest.mark.parametrize(("least", "most"), [(-0.1, 1), (0.5, 0.5), (0.1, 1.1)])
def test_bounds_that_leave_nothing_are_refused(least: float, most: float) -> None:
    with pytest.raises(ConfigError, match=r"needs 0 <= least < most <= 1, got"):
        Agreement(as_logits, least=least, most=most)


def test_an_annotation_that_is_no_class_of_the_network_is_named() -> None:
    child = pixels([1, 2], target=2)
    with pytest.raises(DataError, match="annotation 2 is no id of the 2 classes that the network tells apart"):
        Agreement(as_logits).judge([child], [child])


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (lambda images: images, r"got torch.uint8 \(1, 1, 1, 2\) for one image"),
        (lambda images: "cat", "got str for one image"),
        (lambda images: torch.zeros(2, 3), r"shape \(2, 3\) for one image of \(1, 1, 2\); return one row an image"),
        (lambda images: torch.zeros(1, 3, 5, 5), "for masks the size of the image"),
        (lambda images: torch.full((1, 2), float("nan")), "NaN or infinite"),
    ],
)
def test_a_network_that_returns_no_logits_is_refused(network, sentence: str) -> None:
    child = pixels([1, 2])
    with pytest.raises(ConfigError, match=sentence):
        Agreement(network).judge([child], [child])


def test_logits_of_masks_are_not_those_of_a_class() -> None:
    child = pixels([1, 2])
    with pytest.raises(ConfigError, match="needs logits"):
        Agreement(dark_or_bright).judge([child], [child])


def linear(weight: list[list[float]]) -> torch.nn.Module:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor(weight))
    return model


def test_the_model_under_training_judges_by_its_last_snapshot() -> None:
    model = linear([[1.0, 0.0], [0.0, 1.0]])
    gate = Agreement(UnderTraining(model))
    child = pixels([255, 0])
    (before,) = gate.judge([child], [child])
    assert before.accepted
    assert before.details == {"snapshot": "none yet"}
    name = gate.fingerprint
    for step, weight in ((10, [[1.0, 0.0], [0.0, 1.0]]), (20, [[-3.0, 0.0], [0.0, 1.0]])):
        snapshot = Snapshot.of(linear(weight).state_dict(), step)
        gate.learn(snapshot)
        (verdict,) = gate.judge([child], [child])
        own = weight[0][0]
        assert verdict.score == pytest.approx(math.exp(own) / (math.exp(own) + 1))
        assert verdict.accepted == (step == 10)
        assert verdict.details == {"most": 0.95, "snapshot": snapshot.name, "step": step}
    assert gate.fingerprint == name
    assert model[1].weight.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_snapshot_of_another_model_changes_nothing() -> None:
    gate = Agreement(UnderTraining(linear([[1.0, 0.0], [0.0, 1.0]])))
    child = pixels([255, 0])
    gate.learn(Snapshot.of(linear([[1.0, 0.0], [0.0, 1.0]]).state_dict(), 3))
    with pytest.raises(ConfigError, match="snapshot of step 4 does not fit the model that UnderTraining was given"):
        gate.learn(Snapshot.of(torch.nn.Linear(3, 2).state_dict(), 4))
    assert gate.judge([child], [child])[0].details["step"] == 3


def test_other_gates_than_those_of_a_model_under_training_heed_no_snapshot() -> None:
    gate = Agreement(as_logits)
    gate.learn(Snapshot("name", 1, {}))
    child = Sample(torch.tensor([[[1, 2]]], dtype=torch.uint8), 1)
    assert "snapshot" not in gate.judge([child], [child])[0].details
