"""Items and samples, back and forth."""

from __future__ import annotations

import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from genaug_data.errors import ConfigError, DataError
from genaug_data.tasks import ClassificationTask, SegmentationTask, detect_task
from tests.tasks.items import BYTES, ITEMS, MASK, equal


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
