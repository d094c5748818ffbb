import numpy as np
import pytest
import torch
from PIL import Image

from genaug_data.errors import DataError, GeneratorError
from genaug_data.generators import examples as module
from genaug_data.generators.examples import UnlabelledImages, read_examples
from genaug_data.sample import Sample, content_hash
from genaug_data.seeding import torch_generator


def sample(number, target, shape=(1, 4, 4)):
    return Sample(torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(number)), target)


def read(samples, unlabelled=(), ignore_index=255):
    return read_examples(samples, unlabelled, ignore_index=ignore_index, progress=False)


def test_a_tenth_is_held_out_by_content():
    samples = [sample(number, number % 3) for number in range(1000)]
    found = read(samples)
    assert sorted(found.training + found.held_out) == list(range(1000))
    assert 70 <= len(found.held_out) <= 130
    for index in range(1000):
        held_out = int.from_bytes(content_hash(samples[index])[:8], "little") % 10 == 0
        assert (index in set(found.held_out)) == held_out
    doubled = read(samples + samples)
    assert {index % 1000 for index in doubled.held_out}.isdisjoint(index % 1000 for index in doubled.training)


def test_no_class_is_held_out_whole():
    samples = [sample(number, number) for number in range(200)]
    found = read(samples)
    assert found.training == found.held_out == list(range(200))
    assert found.condition.classes == tuple(range(200))


def test_one_example_is_enough():
    found = read([sample(0, 5)])
    assert found.training == found.held_out == [0]
    assert found.condition.classes == (5,)


def test_images_of_different_sizes_are_padded_to_one():
    samples = [sample(0, 1, (3, 5, 2)), sample(1, 1, (3, 2, 7))]
    found = read(samples)
    assert (found.size, found.image_channels) == ((5, 7), 3)
    images, targets = found.batch([1, 0, 1], (6, 8))
    assert images.shape == (3, 3, 6, 8)
    assert images[0, :, :2, :7].equal(samples[1].image)
    assert images[0, :, 5, 7].equal(samples[1].image[:, 1, 6])
    assert targets == [1, 1, 1]


def test_classes_of_masks_leave_out_the_ignored_one():
    masks = [torch.tensor([[0, 7], [7, 0]]), torch.tensor([[11, 3], [3, 3]])]
    found = read([sample(number, mask, (1, 2, 2)) for number, mask in enumerate(masks)], ignore_index=11)
    assert (found.condition.kind, found.condition.classes) == ("mask", (0, 3, 7))


def test_unlabelled_images_have_no_annotation():
    found = read([sample(0, 5), sample(1, 6)], UnlabelledImages([sample(7, 5).image]))
    images, targets = found.batch([2, 0], (4, 4))
    assert (found.labelled, found.unlabelled) == (2, 1)
    assert images[0].equal(sample(7, 5).image)
    assert targets == [None, 5]


def test_a_large_set_is_read_again_instead_of_kept(monkeypatch):
    samples = [sample(number, number % 2) for number in range(6)]
    monkeypatch.setattr(module, "_KEPT_IN_MEMORY", 40)
    found = read(samples)
    assert found._sources[0] is samples
    monkeypatch.undo()
    kept = read(samples)
    assert kept._sources[0] is not samples
    assert kept.batch([4, 1], (4, 4))[0].equal(found.batch([4, 1], (4, 4))[0])


PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
CHW = torch.from_numpy(PIXELS.copy()).permute(2, 0, 1)


@pytest.mark.parametrize(
    "item",
    [
        CHW,
        CHW / 255,
        PIXELS,
        Image.fromarray(PIXELS),
        (CHW, 5),
        [Image.fromarray(PIXELS), "anything", None],
        {"image": CHW, "label": 3},
        {"pixel_values": CHW / 255},
        Sample(CHW, 3),
        (Sample(CHW, 3), 1),
    ],
)
def test_unlabelled_items_may_be_anything_with_an_image(item):
    [found] = UnlabelledImages([item])
    assert found.image.equal(CHW)


def test_unlabelled_items_without_an_image_are_refused():
    for item in ({"label": 3}, 5, (), CHW * 2.0):
        with pytest.raises(DataError):
            UnlabelledImages([item])[0]


@pytest.mark.parametrize(
    ("samples", "unlabelled", "sentence"),
    [
        ([], (), "the training set is empty"),
        ([sample(0, 1), sample(0, 1, (3, 4, 4))], (), "the same number of channels, found 1 and 3"),
        ([sample(0, 1), sample(0, torch.zeros(4, 4).long())], (), "of one kind, found class and mask"),
        ([sample(0, "a cat")], (), "needs class ids or masks as annotations, found str"),
        ([sample(0, torch.full((4, 4), 255))], (), "every pixel of every mask is the ignore index, 255"),
        ([sample(0, 1)], [sample(0, "", (3, 4, 4))], "the same number of channels, found 1 and 3"),
        ([sample(0, 1)], [sample(0, "", (1, 4, 5))], "an unlabelled image is 4x5, but .* at most 4x4: resize"),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused(samples, unlabelled, sentence):
    with pytest.raises(GeneratorError, match=sentence):
        read(samples, unlabelled)
