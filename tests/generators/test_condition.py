import pytest
import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.condition import Condition, classes_in


def test_class_ids_with_gaps_become_places_and_nothing_the_null():
    assert Condition("class", (3, 8, 90)).encode([90, None, 3], (1, 1)).tolist() == [2, 3, 0]


def test_masks_become_one_channel_per_class():
    condition = Condition("mask", (1, 4))
    mask = torch.tensor([[1, 4, 255], [4, 1, 7]])
    encoded = condition.encode([mask, None], (2, 3))
    assert encoded.shape == (2, 2, 2, 3)
    for row in range(2):
        for column in range(3):
            expected = [float(mask[row, column] == known) for known in (1, 4)]
            assert encoded[0, :, row, column].tolist() == expected
    assert not encoded[1].any()


@pytest.mark.parametrize(("kind", "targets"), [("class", [0, 1]), ("mask", [torch.ones(2, 2).long()] * 2)])
def test_dropped_examples_are_as_if_without_annotation(kind, targets):
    condition = Condition(kind, (0, 1))
    dropped = condition.drop(condition.encode(targets, (2, 2)), torch.tensor([True, False]))
    assert dropped.equal(condition.encode([None, targets[1]], (2, 2)))
    assert condition.drop(dropped).equal(condition.encode([None, None], (2, 2)))


def test_annotations_that_cannot_be_used_are_refused():
    with pytest.raises(GeneratorError, match=r"class 5 was not in the training set .* whose classes are 0, 1: fit it"):
        Condition("class", (0, 1)).encode([0, 5], (1, 1))
    with pytest.raises(GeneratorError, match=r"class -1 .* 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\. \(20 of them\)"):
        Condition("class", tuple(range(20))).encode([-1], (1, 1))
    with pytest.raises(GeneratorError, match="fitted on annotations of kind class, found mask"):
        Condition("class", (0, 1)).encode([torch.zeros(2, 2).long()], (2, 2))
    with pytest.raises(GeneratorError, match="needs class ids or masks as annotations, found str"):
        list(classes_in("a caption", 255))
    with pytest.raises(GeneratorError, match=r"found a tensor \(4,\)"):
        list(classes_in(torch.zeros(4).long(), 255))


def test_a_soft_label_is_encoded_as_its_most_probable_class():
    soft = torch.tensor([0.1, 0.2, 0.7])
    assert Condition("class", (0, 2)).encode([soft, 0, None], (1, 1)).tolist() == [1, 0, 2]
    assert list(classes_in(soft, 255)) == [2]
    with pytest.raises(GeneratorError, match="class 2 was not in the training set"):
        Condition("class", (0, 1)).encode([soft], (1, 1))


def test_ignored_pixels_are_no_class():
    assert list(classes_in(torch.tensor([[9, 2], [255, 2]]), 255)) == [2, 9]
    assert list(classes_in(7, 7)) == [7]
