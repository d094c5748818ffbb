from __future__ import annotations

import math

import pytest
import torch
from torchvision import tv_tensors

from genaug_data.errors import ConfigError, DataError
from genaug_data.gates import amended, judge_all
from genaug_data.gates.quality import PixelLoss
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from tests.gates.quality.nets import dark_or_bright, pixels

MASK = torch.tensor([[0, 1], [1, 255]])
REAL = [pixels([0, 8], [8, 3], target=MASK), pixels([2, 8], [5, 8], target=MASK)]


def loss(value: int, label: int) -> float:
    logits = [4 - value, value - 4]
    return math.log(sum(math.exp(one) for one in logits)) - logits[label]


def prepared(**settings: object) -> PixelLoss:
    gate = PixelLoss(dark_or_bright, **settings)
    gate.prepare(REAL, progress=False)
    return gate


def test_pixels_whose_loss_is_above_the_class_mean_by_a_quarter_are_ignored() -> None:
    means = {0: (loss(0, 0) + loss(2, 0)) / 2, 1: (3 * loss(8, 1) + loss(5, 1)) / 4}
    child = pixels([3, 5], [8, 0], target=MASK)
    values = [[3, 5], [8, 0]]
    expected = [
        [255 if label != 255 and loss(value, label) > 1.25 * means[label] else label for value, label in pairs]
        for pairs in (zip(row, labels, strict=True) for row, labels in zip(values, MASK.tolist(), strict=True))
    ]
    assert expected == [[255, 255], [1, 255]]
    (verdict,) = prepared().judge([child], [child])
    assert verdict.accepted
    assert verdict.score == pytest.approx(1 / 3)
    assert verdict.details == {"ignored_pixels": 2, "ignore_index": 255}
    assert verdict.amended is not None
    assert verdict.amended.target.tolist() == expected
    assert torch.equal(verdict.amended.image, child.image)
    assert child.target.tolist() == MASK.tolist()


def test_a_larger_factor_lets_more_pixels_train() -> None:
    child = pixels([3, 5], [8, 0], target=MASK)
    scores = [prepared(factor=factor).judge([child], [child])[0].score for factor in (1.25, 4, 1e9)]
    assert scores == sorted(scores)
    assert scores[-1] == 1


def test_what_is_as_its_mask_says_is_left_alone() -> None:
    child = pixels([0, 8], [8, 3], target=MASK)
    (verdict,) = prepared().judge([child], [child])
    assert (verdict.score, verdict.amended, verdict.details["ignored_pixels"]) == (1, None, 0)


def test_a_child_of_which_nothing_is_left_is_rejected() -> None:
    child = pixels([9, 0], [0, 0], target=MASK)
    (verdict,) = prepared().judge([child], [child])
    assert not verdict.accepted
    assert verdict.amended is None
    assert verdict.reason == (
        "the image is nowhere what its mask says: the loss of all 3 pixels is above 1.25 times the mean of their class"
    )


def test_a_class_that_no_real_image_has_shown_has_no_limit() -> None:
    gate = PixelLoss(dark_or_bright)
    gate.prepare([pixels([0, 0], target=torch.tensor([[0, 0]]))], progress=False)
    child = pixels([0, 9], target=torch.tensor([[1, 0]]))
    assert gate.judge([child], [child])[0].amended.target.tolist() == [[1, 255]]


def test_the_mask_keeps_its_type_and_amending_again_changes_nothing() -> None:
    mask = tv_tensors.Mask(MASK)
    child = pixels([3, 5], [8, 0], target=mask)
    gate = prepared()
    once = gate.judge([child], [child])[0].amended
    assert type(once.target) is tv_tensors.Mask
    assert once.target.dtype == torch.int64
    assert gate.judge([once], [once])[0].amended is None


def test_gates_that_judge_later_see_the_amended_child() -> None:
    first, second = prepared(), prepared(factor=1.25)
    second.cost = 99.0
    child = pixels([3, 5], [8, 0], target=MASK)
    (verdicts,) = judge_all([second, first], [child], [child])
    assert [verdict.details["ignored_pixels"] for verdict in verdicts] == [2, 0]
    assert amended(child, verdicts).target.tolist() == [[255, 255], [1, 255]]
    assert amended(child, []) is child


def test_a_gate_that_changes_the_image_is_refused() -> None:
    class Repaints(PixelLoss):
        def assess(self, parents: list[Sample], children: list[Sample]) -> list:
            return [self.verdict(1.0, amended=Sample(child.image + 1, child.target)) for child in children]

    child = pixels([3, 5], [8, 0], target=MASK)
    with pytest.raises(ConfigError, match="changed the image of a child; a gate may amend the annotation alone"):
        Repaints(dark_or_bright).judge([child], [child])


def test_what_cannot_be_measured_is_said() -> None:
    child = pixels([3, 5], [8, 0], target=MASK)
    with pytest.raises(ConfigError, match="is not prepared"):
        PixelLoss(dark_or_bright).judge([child], [child])
    with pytest.raises(DataError, match="the training set is empty"):
        PixelLoss(dark_or_bright).prepare([], progress=False)
    with pytest.raises(DataError, match="a mask has the class 7, and the network tells 2 apart"):
        PixelLoss(dark_or_bright).prepare([pixels([0, 1], target=torch.tensor([[0, 7]]))], progress=False)
    with pytest.raises(ConfigError, match=r"needs logits \(B, classes, H, W\), got \(1, 3\) for one image"):
        PixelLoss(lambda images: torch.zeros(1, 3)).prepare(REAL, progress=False)
    with pytest.raises(ConfigError, match="factor must be above 0, got 0"):
        PixelLoss(dark_or_bright, factor=0)
    with pytest.raises(ConfigError, match="references must be at least 1, got 0"):
        PixelLoss(dark_or_bright, references=0)


def test_the_fingerprint_follows_from_what_was_measured() -> None:
    names = {prepared().fingerprint, prepared().fingerprint, PixelLoss(dark_or_bright).fingerprint}
    assert len(names) == 2
    draw = torch_generator(0)
    other = PixelLoss(dark_or_bright)
    other.prepare([Sample(torch.randint(0, 9, (1, 2, 2), dtype=torch.uint8, generator=draw), MASK)], progress=False)
    assert other.fingerprint not in names
