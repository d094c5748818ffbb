"""Recognising what a dataset returns."""

from __future__ import annotations

from collections import UserDict

import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.tasks import ClassificationTask, SegmentationTask, detect_task, resolve_task
from tests.tasks.items import BYTES, MASK, PICTURE, equal


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (PICTURE, r"returns an object of type Image, which is not recognised; recognised are"),
        (UserDict(image=BYTES, label=1), r"returns an object of type UserDict, which is not recognised"),
        ((BYTES,), r"without an annotation; recognised are"),
        ({"x": BYTES, "label": 1}, r"'x': Tensor, 'label': int, where an image is not recognised"),
        ({"image": BYTES, "fine_label": 1}, r"where an annotation is not recognised"),
        (
            (BYTES, {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0)}),
            r"holds boxes, and detection is not supported",
        ),
        ({"image": BYTES, "objects": {}, "label": 1}, r"detection is not supported yet: supported are classification"),
        ((BYTES, {"a": 1}), r"must be a class index, a soft label or a mask, found a dict with 'a': int"),
        ((BYTES, "a cat"), r"is text, and captioning is not supported yet: .* name of a class, return its index"),
        ((BYTES, ["a cat", "a dog"]), r"captioning is not supported"),
        ({"image": BYTES, "text": "a cat"}, r"captioning is not supported"),
        ({"image": BYTES, "label": "cat"}, r"captioning is not supported"),
        ((BYTES, True), r"found True of type bool"),
        ((BYTES, 0.5), r"found 0.5 of type float"),
        ((BYTES, torch.eye(3)[0].long()), r"a soft label must be a vector of .*, found torch.int64 \(3,\): convert it"),
        ((BYTES, torch.ones(1)), r"of each class, two at least, found torch.float32 \(1,\)"),
        ((BYTES, torch.tensor([1.0, 0.0, 1.0])), r"least of 0 and the sum 2: .* several labels at a time are not"),
        ((BYTES, [0.5, 0.5]), r"found \[0.5, 0.5\] of type list: return the class index"),
        ((BYTES, -1), r"must be at least 0, found -1"),
        ((BYTES * 1.0 / 255 - 0.5, 1), r"looks normalised"),
        ((BYTES, MASK[:4]), r"size of its image, found \(4, 7\) and \(5, 7\): resize both"),
        ((BYTES, MASK - 1), r"or the ignore index, 255, found -1: pass task=SegmentationTask\(ignore_index=-1\)"),
        ({"image": BYTES, "label": 1, "mask": MASK}, r"both a mask \('mask'\) and a label \('label'\): pass task="),
    ],
)
def test_items_that_are_refused(item, sentence):
    with pytest.raises(DataError, match=sentence):
        detect_task(item)


def test_resolve_task_fills_in_what_the_dataset_tells():
    data = [(BYTES, 3), (BYTES, 1)]
    assert resolve_task("auto", data) == resolve_task("classification", data) == detect_task(data[0])
    assert resolve_task(ClassificationTask(num_classes=9), data).num_classes == 9
    assert resolve_task(ClassificationTask(), data).layout == detect_task(data[0]).layout
    known = detect_task(data[0])
    assert resolve_task(known, data) == known

    class WithClasses(list):
        classes = ("a", "b", "c", "d")

    assert resolve_task("auto", WithClasses(data)).num_classes == 4

    class Names:
        names = ("a", "b", "c", "d", "e")

    class HuggingFace(list):
        features = {"image": None, "label": Names()}  # noqa: RUF012

    assert resolve_task("auto", HuggingFace([{"image": BYTES, "label": 3}])).num_classes == 5
    void = resolve_task(SegmentationTask(ignore_index=-1, num_classes=4), [(BYTES, MASK - 1)])
    assert (void.ignore_index, void.num_classes, void.layout.target.container) == (-1, 4, "tensor")
    assert int(void.to_sample((BYTES, MASK - 1)).target.min()) == -1


def test_resolve_task_chooses_between_label_and_mask():
    data = [{"image": BYTES, "label": 1, "mask": MASK}]
    assert resolve_task("classification", data).layout.target_key == "label"
    task = resolve_task("segmentation", data)
    assert task.layout.target_key == "mask"
    assert equal(task.to_item(task.to_sample(data[0]), like=lambda: data[0]), data[0])


@pytest.mark.parametrize(
    ("task", "data", "error", "sentence"),
    [
        ("detection", [(BYTES, 1)], ConfigError, r"task must be 'auto', .*, found 'detection'"),
        ("segmentation", [(BYTES, 1)], DataError, r"a mask must be .*, found int"),
        ("classification", [(BYTES, MASK)], DataError, r"must be one integer, found a vector or array"),
        ("auto", [], DataError, r"the dataset, a list, is empty"),
        ("auto", iter([(BYTES, 1)]), DataError, r"must be map-style, .* found list_iterator"),
    ],
)
def test_resolve_task_refuses(task, data, error, sentence):
    with pytest.raises(error, match=sentence):
        resolve_task(task, data)
