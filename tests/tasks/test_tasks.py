"""Recognising items, their structure, and refusing datasets that cannot be generated from."""

from __future__ import annotations

import pickle
from collections import OrderedDict, UserDict, namedtuple

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Sample
from genaug_data.tasks import (
    ClassificationTask,
    SampleView,
    SegmentationTask,
    check_base,
    dataset_probe,
    detect_task,
    resolve_task,
)

Pair = namedtuple("Pair", ["image", "label"])
Triple = namedtuple("Triple", ["image", "label", "name"])
RNG = np.random.default_rng(0)
PICTURE = Image.fromarray(RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8))
BYTES = torch.from_numpy(RNG.integers(0, 256, (3, 5, 7), dtype=np.uint8))
MASK = torch.from_numpy(RNG.integers(0, 4, (5, 7), dtype=np.int64))

ITEMS = {
    "tuple": (PICTURE, 3),
    "list": [BYTES, np.int64(3)],
    "namedtuple": Pair(BYTES, torch.tensor(3)),
    "dict": {"label": 3, "image": PICTURE},
    "hugging face": {"pixel_values": BYTES, "labels": torch.tensor(3)},
    "hugging face cifar": {"img": PICTURE, "label": 3},
    "ordered": OrderedDict(image=BYTES, label=3),
    "tuple with index": (BYTES, 3, 17),
    "namedtuple with name": Triple(BYTES, 3, "seven"),
    "dict with more": {"id": 4, "image": BYTES, "label": 3, "meta": {"a": 1}},
    "mask": (PICTURE, Image.fromarray(MASK.byte().numpy())),
    "mask list": [BYTES, MASK, "name"],
    "mask dict": {"image": BYTES, "mask": MASK.numpy()},
    "mask hugging face": {"pixel_values": BYTES, "labels": MASK},
    "mask label": {"image": BYTES, "label": MASK},
    "mask segmentation_mask": {"segmentation_mask": tv_tensors.Mask(MASK), "image": tv_tensors.Image(BYTES)},
    "mask annotation": {"image": PICTURE, "annotation": Image.fromarray(MASK.byte().numpy())},
}


def equal(first, second):
    """Equal in type, keys, order and value, by a plain walk."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return list(first) == list(second) and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, (tuple, list)):
        return len(first) == len(second) and all(equal(a, b) for a, b in zip(first, second, strict=True))
    if isinstance(first, (torch.Tensor, np.ndarray)):
        return first.dtype == second.dtype and np.array_equal(np.asarray(first), np.asarray(second))
    return first == second


@pytest.mark.parametrize("kind", ITEMS)
def test_round_trip_of_items(kind):
    item = ITEMS[kind]
    task = detect_task(item)
    assert task.name == ("segmentation" if "mask" in kind else "classification")
    sample = task.to_sample(item)
    key = {"list": 0, "hugging face": "pixel_values", "mask hugging face": "pixel_values"}.get(
        kind, task.layout.image_key
    )
    picture = item[key].convert("RGB") if isinstance(item[key], Image.Image) else item[key].permute(1, 2, 0)
    assert np.array_equal(sample.image.permute(1, 2, 0).numpy(), np.asarray(picture))
    if task.name == "classification":
        assert type(sample.target) is int
        assert sample.target == 3 == task.class_of(sample)
    else:
        assert isinstance(sample.target, tv_tensors.Mask)
        assert torch.equal(sample.target.as_subclass(torch.Tensor), MASK)
        assert task.class_of(sample) == 0
    assert equal(task.to_item(sample, like=lambda: item), item)


@pytest.mark.parametrize("kind", ITEMS)
def test_tasks_pickle_and_compare(kind):
    task = detect_task(ITEMS[kind])
    again = pickle.loads(pickle.dumps(task))
    assert again == task
    assert hash(again) == hash(task)
    assert again.layout == task.layout
    with pytest.raises(AttributeError):
        task.layout.image_key = 5


def test_further_entries_come_from_the_parent_and_only_when_there_are_some():
    task = detect_task((BYTES, 3))
    sample = task.to_sample((BYTES, 3))

    def never():
        raise AssertionError

    assert equal(task.to_item(sample, like=never), (BYTES, 3))
    item = {"id": 4, "image": BYTES, "label": 3}
    task = detect_task(item)
    parent = {"image": torch.zeros_like(BYTES), "label": 1, "id": 9, "new": 1}
    built = task.to_item(sample, like=lambda: parent)
    assert equal(built, {"image": BYTES, "label": 3, "id": 9, "new": 1})
    assert parent["label"] == 1
    with pytest.raises(DataError, match=r"entries \['id', 'image', 'label'\], more than .* pass like="):
        task.to_item(sample)


@pytest.mark.parametrize("kind", ITEMS)
def test_map_item_changes_image_and_annotation_only(kind):
    item = ITEMS[kind]
    task = detect_task(item)
    key, other = task.layout.image_key, task.layout.target_key
    entries = dict(item) if isinstance(item, dict) else dict(enumerate(item))
    mapped = task.map_item(item, transform=lambda image: ("t", image))
    joint = task.map_item(item, transforms=lambda image, target: ((image, 1), (target, 2)))
    both = task.map_item(item, lambda image: "x", lambda image, target: (image + "y", target))
    assert type(mapped) is type(joint) is type(item)
    for name, value in entries.items():
        assert mapped[name] == ("t", value) if name == key else mapped[name] is value
        if name not in (key, other):
            assert joint[name] is value
    assert joint[key][1] == 1
    assert joint[other][1] == 2
    assert both[key] == "xy"
    assert task.map_item(item) is item


def test_floats_become_bytes():
    image = torch.rand(3, 5, 7)
    task = detect_task((image, 3))
    back, label = task.to_item(task.to_sample((image, 3)))
    assert (back.dtype, label) == (torch.float32, 3)
    assert (back - image).abs().max() <= 1 / 510 + 1e-6


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
        ((BYTES, {"a": 1}), r"must be a class index or a mask, found a dict with 'a': int"),
        ((BYTES, "a cat"), r"is text, and captioning is not supported yet: .* name of a class, return its index"),
        ((BYTES, ["a cat", "a dog"]), r"captioning is not supported"),
        ({"image": BYTES, "text": "a cat"}, r"captioning is not supported"),
        ({"image": BYTES, "label": "cat"}, r"captioning is not supported"),
        ((BYTES, True), r"found True of type bool"),
        ((BYTES, 0.5), r"found 0.5 of type float"),
        ((BYTES, torch.eye(3)[0]), r"label.argmax\(\)"),
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


def test_class_counts_are_kept():
    task = ClassificationTask(detect_task((BYTES, 3)).layout, num_classes=3)
    with pytest.raises(DataError, match=r"below the number of classes, 3, found 3: correct the label, or pass task="):
        task.to_sample((BYTES, 3))
    layout = detect_task((BYTES, MASK)).layout
    with pytest.raises(DataError, match=r"below the number of classes, 3, or the ignore index, 255, found 3"):
        SegmentationTask(layout, num_classes=3).to_sample((BYTES, MASK.clamp(max=3)))
    void = torch.where(MASK == 3, 255, MASK)
    assert int(SegmentationTask(layout, num_classes=3).to_sample((BYTES, void)).target.max()) == 255
    assert int(SegmentationTask(layout, num_classes=3).to_sample((BYTES, torch.full((5, 7), 255))).target.min()) == 255


def test_a_task_without_layout_says_so():
    with pytest.raises(ConfigError, match=r"has not seen a dataset yet: call resolve_task"):
        ClassificationTask().to_sample((BYTES, 3))


def test_items_of_another_structure_than_the_first_are_refused():
    task = detect_task({"image": BYTES, "label": 1})
    for item in ((BYTES, 1), {"image": BYTES}, OrderedDict(image=BYTES, label=1)):
        with pytest.raises(DataError, match=r"but the first one of the dataset is a dict with \['image', 'label'\]"):
            task.to_sample(item)


class Reading:
    """A dataset whose reads go through a function of (index, number of the read)."""

    def __init__(self, size, read):
        self.size, self.read, self.reads = size, read, 0

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        self.reads += 1
        return self.read(index, self.reads)


def test_check_base_accepts_a_deterministic_dataset():
    data = Reading(20, lambda index, read: (torch.full((1, 4, 4), index, dtype=torch.uint8), index))
    check_base(data, resolve_task("auto", data))
    assert data.reads < 20


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (
            lambda i, read: (torch.full((1, 4, 4), read, dtype=torch.uint8), 1),
            r"item 0 differs between two reads, .*transform=",
        ),
        (lambda i, read: (BYTES, read), r"augments randomly: take the random transforms out"),
        (
            lambda i, read: (torch.full((1, 4, 4), -1.0 if i > 5 else 0.5), 1),
            r"item \d+: float images .* looks normalised",
        ),
        (lambda i, read: (BYTES, 1 if i < 6 else -1), r"item \d+: a class label must be at least 0"),
        (
            lambda i, read: (BYTES, 1 if i < 6 else "cat"),
            r"item \d+: a class label must be an integer index, found 'cat'",
        ),
        (
            lambda i, read: (BYTES, 1) if i < 6 else BYTES,
            r"item \d+: an item is an object of type Tensor, but the first one",
        ),
    ],
)
def test_check_base_refuses(read, sentence):
    data = Reading(12, read)
    with pytest.raises(DataError, match=sentence):
        check_base(data, resolve_task("auto", data))


def test_check_base_refuses_empty_and_iterable_datasets():
    task = detect_task((BYTES, 3))
    with pytest.raises(DataError, match="is empty"):
        check_base([], task)
    with pytest.raises(DataError, match="map-style"):
        check_base(iter([1]), task)


def test_check_base_reads_as_many_items_as_asked_for():
    data = Reading(100, lambda index, read: (BYTES, index))
    check_base(data, detect_task((BYTES, 3)), probe=3)
    assert data.reads == 1 + 2 * 3


def test_view_is_a_sequence():
    data = [(torch.full((1, 4, 4), index, dtype=torch.uint8), index) for index in range(5)]
    view = SampleView(data, resolve_task("auto", data))
    assert len(view) == 5
    assert [sample.target for sample in view] == [0, 1, 2, 3, 4]
    assert view[-1].target == 4
    assert view[np.int64(2)].target == 2
    assert [sample.target for sample in view[1:4:2]] == [1, 3]
    assert all(isinstance(sample, Sample) for sample in view)
    assert pickle.loads(pickle.dumps(view))[3].target == 3
    for index in (5, -6):
        with pytest.raises(IndexError, match=f"index {index} is outside of a dataset of 5"):
            view[index]


def test_probe_tells_datasets_apart():
    def samples(size, changed=None):
        return [Sample(torch.zeros(1, 2, 2, dtype=torch.uint8), 1 if index == changed else 0) for index in range(size)]

    assert dataset_probe(samples(100)) == dataset_probe(samples(100))
    assert dataset_probe(samples(100)) != dataset_probe(samples(101))
    assert dataset_probe(samples(100)) != dataset_probe(samples(100, changed=0))
    assert dataset_probe(samples(100)) != dataset_probe(samples(100, changed=99))
    assert all(dataset_probe(samples(50)) != dataset_probe(samples(50, changed=index)) for index in range(50))
    assert len(dataset_probe([])) == 32
