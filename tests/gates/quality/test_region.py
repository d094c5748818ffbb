from __future__ import annotations

import pytest
import torch

from genaug_data.errors import DataError
from genaug_data.gates.quality import RegionConsistency
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from tests.gates.quality.nets import dark_or_bright, pixels


def iou(predicted: list[int], given: list[int], ignored: int) -> float:
    pairs = [(a, b) for a, b in zip(predicted, given, strict=True) if b != ignored]
    found = []
    for label in {value for pair in pairs for value in pair}:
        both = sum(a == label and b == label for a, b in pairs)
        either = sum(label in (a, b) for a, b in pairs)
        found.append(both / either)
    return sum(found) / len(found)


def test_the_score_is_the_mean_intersection_over_union() -> None:
    mask = torch.tensor([[0, 1], [1, 1]])
    child = pixels([0, 9], [9, 0], target=mask)
    (verdict,) = RegionConsistency(dark_or_bright, 0.6).judge([child], [child])
    # Of class 0 one of two pixels, of class 1 two of three.
    assert verdict.score == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert verdict.reason == (
        "intersection over union of the predicted and the given mask is 0.5833, at least 0.6000 is needed"
    )


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_a_slow_loop_finds(seed: int) -> None:
    draw = torch_generator(seed)
    image = torch.randint(0, 9, (1, 6, 6), dtype=torch.uint8, generator=draw)
    mask = torch.randint(0, 4, (6, 6), generator=draw)
    mask[0, :3] = 255
    logits = torch.randn(1, 5, 6, 6, generator=draw)
    child = Sample(image, mask)
    (verdict,) = RegionConsistency(lambda images: logits).judge([child], [child])
    assert verdict.score == pytest.approx(iou(logits[0].argmax(0).flatten().tolist(), mask.flatten().tolist(), 255))


def test_ignored_pixels_do_not_count_and_a_mask_of_nothing_else_passes() -> None:
    mask = torch.tensor([[0, 1], [-1, -1]])
    child = pixels([0, 9], [9, 0], target=mask)
    gate = RegionConsistency(dark_or_bright, ignore_index=-1)
    assert gate.judge([child], [child])[0].score == 1
    empty = pixels([0, 9], [9, 0], target=torch.full((2, 2), -1))
    assert gate.judge([empty], [empty])[0].score == 1


def test_one_class_alone_is_found_or_not() -> None:
    child = pixels([9, 9], [9, 9], target=torch.ones(2, 2, dtype=torch.int64))
    assert RegionConsistency(dark_or_bright).judge([child], [child])[0].score == 1
    wrong = pixels([0, 0], [0, 0], target=torch.ones(2, 2, dtype=torch.int64))
    assert RegionConsistency(dark_or_bright).judge([wrong], [wrong])[0].score == 0


def test_an_annotation_that_is_no_mask_is_refused() -> None:
    child = pixels([1, 2])
    with pytest.raises(DataError, match="the annotation is a int and no mask of the size of its image"):
        RegionConsistency(dark_or_bright).judge([child], [child])
