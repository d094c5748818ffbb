"""Round trips and refusals of images, labels and masks."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import tv_tensors

from genaug_data.errors import DataError
from genaug_data.tasks.image_format import ImageFormat
from genaug_data.tasks.label_format import LabelFormat
from genaug_data.tasks.mask_format import MaskFormat

RNG = np.random.default_rng(0)


def pixels(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


IMAGES = {
    "pil L": lambda: Image.fromarray(pixels(5, 7)),
    "pil RGB": lambda: Image.fromarray(pixels(5, 7, 3)),
    "uint8 CHW": lambda: torch.from_numpy(pixels(3, 5, 7)),
    "uint8 1HW": lambda: torch.from_numpy(pixels(1, 5, 7)),
    "uint8 HW": lambda: torch.from_numpy(pixels(5, 7)),
    "float32 CHW": lambda: torch.from_numpy(RNG.random((3, 5, 7), dtype=np.float32)),
    "float64 HW": lambda: torch.from_numpy(RNG.random((5, 7))),
    "float16 CHW": lambda: torch.from_numpy(RNG.random((3, 5, 7), dtype=np.float32)).half(),
    "tv uint8": lambda: tv_tensors.Image(torch.from_numpy(pixels(3, 5, 7))),
    "tv float": lambda: tv_tensors.Image(torch.from_numpy(RNG.random((3, 5, 7), dtype=np.float32))),
    "numpy HWC": lambda: pixels(5, 7, 3),
    "numpy HW1": lambda: pixels(5, 7, 1),
    "numpy HW": lambda: pixels(5, 7),
    "numpy float32": lambda: RNG.random((5, 7, 3), dtype=np.float32),
    "numpy float64": lambda: RNG.random((5, 7)),
}
MASKS = {
    "pil L": lambda: Image.fromarray(pixels(5, 7)),
    "uint8": lambda: torch.from_numpy(pixels(5, 7)),
    "int64": lambda: torch.from_numpy(pixels(5, 7)).long(),
    "1HW": lambda: torch.from_numpy(pixels(1, 5, 7)).int(),
    "bool": lambda: torch.from_numpy(pixels(5, 7) > 99),
    "tv": lambda: tv_tensors.Mask(torch.from_numpy(pixels(1, 5, 7))),
    "numpy uint8": lambda: pixels(5, 7),
    "numpy int64": lambda: pixels(5, 7).astype(np.int64),
    "numpy HW1": lambda: pixels(5, 7, 1),
}


def values(image):
    """The image as nested (H, W, C) floats in [0, 1], one plain loop at a time."""
    if isinstance(image, Image.Image):
        width, height = image.size
        return [[np.atleast_1d(image.getpixel((x, y))) / 255 for x in range(width)] for y in range(height)]
    if isinstance(image, torch.Tensor):
        image = image.as_subclass(torch.Tensor).double().numpy() / (255 if image.dtype == torch.uint8 else 1)
        image = image[None] if image.ndim == 2 else image
        return [[image[:, y, x] for x in range(image.shape[2])] for y in range(image.shape[1])]
    image = image.astype(np.float64) / (255 if image.dtype == np.uint8 else 1)
    return [[np.atleast_1d(image[y, x]) for x in range(image.shape[1])] for y in range(image.shape[0])]


def assert_same_kind(first, second):
    assert type(first) is type(second)
    if isinstance(first, Image.Image):
        assert (first.mode, first.size) == (second.mode, second.size)
    else:
        assert (first.dtype, first.shape) == (second.dtype, second.shape)


@pytest.mark.parametrize("kind", IMAGES)
def test_image_round_trip(kind):
    image = IMAGES[kind]()
    stored = ImageFormat.of(image)
    sample = stored.read(image)
    assert sample.dtype == torch.uint8
    assert sample.is_contiguous()
    assert type(sample) is torch.Tensor
    back = stored.write(sample)
    assert_same_kind(back, image)
    expected = values(image)
    for y in range(5):
        for x in range(7):
            assert np.abs(sample[:, y, x].numpy() / 255 - expected[y][x]).max() <= 1 / 510 + 1e-9
    slack = 1 / 510 + (1e-3 if "float16" in kind else 1e-6)
    assert np.abs(np.array(values(back)) - np.array(expected)).max() <= (slack if "float" in kind else 0)
    assert torch.equal(stored.read(back), sample)


@pytest.mark.parametrize("kind", MASKS)
def test_mask_round_trip(kind):
    mask = MASKS[kind]()
    stored = MaskFormat.of(mask)
    ids = stored.read(mask)
    assert (ids.dtype, ids.shape, type(ids)) == (torch.int64, (5, 7), torch.Tensor)
    plain = np.asarray(mask).reshape(5, 7)
    assert all(int(ids[y, x]) == int(plain[y, x]) for y in range(5) for x in range(7))
    back = stored.write(ids.as_subclass(tv_tensors.Mask))
    assert_same_kind(back, mask)
    assert np.array_equal(np.asarray(back), np.asarray(mask))


def test_palette_mask_keeps_its_palette():
    mask = Image.fromarray(pixels(4, 4) % 3).convert("P")
    mask.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10])
    stored = MaskFormat.of(mask)
    back = stored.write(stored.read(mask))
    assert back == mask
    other = mask.copy()
    other.putpalette([9, 9, 9])
    assert torch.equal(stored.read(other), stored.read(mask))


@pytest.mark.parametrize("label", [3, np.int64(3), np.uint8(3), torch.tensor(3), torch.tensor(3, dtype=torch.int16)])
def test_label_round_trip(label):
    stored = LabelFormat.of(label)
    assert type(stored.read(label)) is int
    back = stored.write(stored.read(label))
    assert type(back) is type(label)
    assert back == label
    assert getattr(back, "dtype", None) == getattr(label, "dtype", None)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([1, 3, 4]), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_to_tensor_values_survive_exactly(channels, height, width, seed):
    byte = np.random.default_rng(seed).integers(0, 256, (channels, height, width), dtype=np.uint8)
    image = torch.from_numpy(byte).float().div(255)
    stored = ImageFormat.of(image)
    assert stored == ImageFormat("tensor", "CHW", "float32")
    assert torch.equal(stored.write(stored.read(image)), image)


@pytest.mark.parametrize("kind", IMAGES)
def test_a_sample_never_aliases_the_image(kind):
    image = IMAGES[kind]()
    sample = ImageFormat.of(image).read(image)
    before = np.array(values(image))
    sample.fill_(7)
    assert np.array_equal(np.array(values(image)), before)


@pytest.mark.parametrize("kind", MASKS)
def test_neither_way_of_a_mask_aliases(kind):
    mask = MASKS[kind]()
    stored = MaskFormat.of(mask)
    before = np.asarray(mask).copy()
    ids = stored.read(mask)
    back = stored.write(ids)
    ids.fill_(1)
    assert np.array_equal(np.asarray(mask), before)
    assert np.array_equal(np.asarray(back), before)


def test_odd_arrays_are_read_without_a_warning():
    image = pixels(5, 7, 3)
    frozen = image.copy()
    frozen.flags.writeable = False
    for view in (frozen, image[::-1], image[:, ::-1], image[::2]):
        sample = ImageFormat.of(view).read(view)
        assert np.array_equal(sample.permute(1, 2, 0).numpy(), view)
    transposed = torch.from_numpy(image).permute(2, 0, 1)
    assert ImageFormat.of(transposed).read(transposed).is_contiguous()


@pytest.mark.parametrize("stored", [ImageFormat.of(pixels(4, 5)), MaskFormat.of(pixels(4, 5)), LabelFormat.of(1)])
def test_formats_are_frozen_and_pickle(stored):
    assert pickle.loads(pickle.dumps(stored)) == stored
    assert hash(stored) == hash(pickle.loads(pickle.dumps(stored)))
    with pytest.raises(AttributeError):
        stored.container = "other"


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (Image.new("RGBA", (4, 4)), r"found mode RGBA: convert it in the base dataset"),
        (Image.new("P", (4, 4)), r"found mode P: convert"),
        (Image.new("1", (4, 4)), r"found mode 1: convert"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), r"found int64: convert it"),
        (torch.zeros(4), r"found shape \(4,\)"),
        (torch.zeros(1, 3, 4, 4), r"\(C, H, W\) or \(H, W\), found shape \(1, 3, 4, 4\)"),
        (torch.zeros(8, 8, 3), r"looks like \(H, W, C\): permute"),
        (torch.zeros(3, 8, 8, device="meta"), r"in main memory, found one on meta"),
        (np.zeros((3, 8, 8), np.uint8), r"looks like \(C, H, W\): return"),
        (np.zeros((8, 8), np.int32), r"found int32"),
        (np.zeros(8, np.uint8), r"found shape \(8,\)"),
        ("a.png", r"found str: return one of these"),
        (None, r"found NoneType"),
    ],
)
def test_unknown_images_are_refused(image, sentence):
    with pytest.raises(DataError, match=sentence):
        ImageFormat.of(image)


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (-2.1, 2.6, r"found values from -2.1 to 2.6, which looks normalised: .* pass it as transform="),
        (-1.0, 1.0, r"looks normalised"),
        (0.0, 1.5, r"looks normalised"),
        (0.0, 255.0, r"looks like 0..255 stored as float: return uint8"),
        (float("nan"), 1.0, r"found values from nan"),
    ],
)
@pytest.mark.parametrize("numpy", [False, True])
def test_values_outside_the_range_are_refused(low, high, sentence, numpy):
    image = torch.linspace(0, 1, 48).reshape(3, 4, 4)
    image[0, 0, 0], image[0, 0, 1] = low, high
    image = image.permute(1, 2, 0).numpy() if numpy else image
    with pytest.raises(DataError, match=sentence):
        ImageFormat.of(image).read(image)


def test_images_of_another_kind_than_the_first_are_refused():
    stored = ImageFormat.of(Image.new("RGB", (4, 4)))
    with pytest.raises(DataError, match=r"mode='L'.* but the first one .*mode='RGB'.* make them alike"):
        stored.read(Image.new("L", (4, 4)))
    with pytest.raises(DataError, match=r"has 3 channel\(s\), found 1"):
        stored.write(torch.zeros(1, 4, 4, dtype=torch.uint8))
    with pytest.raises(DataError, match=r"has 1 channel\(s\), found 3"):
        ImageFormat.of(torch.zeros(4, 4)).write(torch.zeros(3, 4, 4, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        (True, r"found True of type bool: return int\(label\)"),
        (np.bool_(False), r"of type bool"),
        (torch.tensor(True), r"return an integer tensor"),
        (0.5, r"found 0.5 of type float"),
        (np.float32(1), r"of type float32"),
        (torch.tensor(1.0), r"return an integer tensor"),
        (torch.eye(4)[1], r"vector or array of shape \(4,\): return the class index, for example label.argmax\(\)"),
        (np.eye(4)[1], r"vector or array of shape \(4,\)"),
        ([0, 1], r"found \[0, 1\] of type list: return the class index"),
        (None, r"found None"),
    ],
)
def test_labels_that_are_no_index_are_refused(label, sentence):
    with pytest.raises(DataError, match=sentence):
        LabelFormat.of(label)


def test_label_values_and_kinds_are_checked():
    with pytest.raises(DataError, match=r"must be at least 0, found -1: leave unlabelled"):
        LabelFormat.of(-1).read(-1)
    with pytest.raises(DataError, match=r"container='numpy'.* but the first one .*container='int'"):
        LabelFormat.of(1).read(np.int64(1))


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (Image.new("RGB", (4, 4)), r"found mode RGB: turn it into class ids"),
        (Image.new("1", (4, 4)), r"found mode 1"),
        (torch.zeros(4, 4), r"found torch.float32: convert .* ToTensor away from masks"),
        (np.zeros((4, 4)), r"found float64"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), r"found shape \(3, 4, 4\): return one class id per pixel"),
        (7, r"found int: return one of these"),
    ],
)
def test_unknown_masks_are_refused(mask, sentence):
    with pytest.raises(DataError, match=sentence):
        MaskFormat.of(mask)


def test_masks_of_another_kind_than_the_first_are_refused():
    with pytest.raises(DataError, match=r"dtype='int64'.* but the first one .*dtype='uint8'"):
        MaskFormat.of(pixels(4, 4)).read(pixels(4, 4).astype(np.int64))
