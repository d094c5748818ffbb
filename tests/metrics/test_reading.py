from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from genaug_data.errors import ConfigError, DataError
from genaug_data.features import Pixels
from genaug_data.metrics import MaskFID, read_features
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator

IMAGES = torch.randint(0, 256, (7, 3, 6, 5), dtype=torch.uint8, generator=torch_generator(0))
MASKS = torch.randint(0, 3, (7, 6, 5), generator=torch_generator(1))


class Seen:
    """Features that note the batches they were given."""

    def __init__(self) -> None:
        self.batches: list[torch.Tensor] = []

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        self.batches.append(batch)
        return batch.flatten(1).float().mean(1, keepdim=True)


class MapStyle:
    """A dataset that has no more than what map-style asks for, and never raises IndexError."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Any:
        return self._items[index % len(self._items)]


def picture(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    "samples",
    [
        IMAGES,
        IMAGES.numpy(),
        [Sample(image, 0) for image in IMAGES],
        MapStyle([Sample(image, mask) for image, mask in zip(IMAGES, MASKS, strict=True)]),
        MapStyle([(picture(image), 3) for image in IMAGES]),
        MapStyle([{"image": image.float() / 255, "label": 1} for image in IMAGES]),
        MapStyle([picture(image) for image in IMAGES]),
    ],
    ids=["tensor", "array", "samples", "dataset of samples", "pairs", "dicts", "pictures"],
)
def test_images_are_read_in_batches_from_whatever_holds_them(samples: Any) -> None:
    features = Seen()
    found = read_features(samples, features, batch_size=3, progress=False)
    assert [len(batch) for batch in features.batches] == [3, 3, 1]
    assert torch.equal(torch.cat(features.batches), IMAGES)
    assert torch.equal(found, IMAGES.flatten(1).float().mean(1, keepdim=True))


@pytest.mark.parametrize(
    "samples",
    [
        MASKS,
        MASKS.byte().numpy(),
        [Sample(image, tv_tensors.Mask(mask)) for image, mask in zip(IMAGES, MASKS, strict=True)],
        MapStyle([(picture(image), mask.byte().numpy()) for image, mask in zip(IMAGES, MASKS, strict=True)]),
    ],
    ids=["tensor", "array", "samples", "pairs"],
)
def test_masks_are_read_in_batches_from_whatever_holds_them(samples: Any) -> None:
    features = Seen()
    read_features(samples, features, part="mask", batch_size=4, progress=False)
    assert [len(batch) for batch in features.batches] == [4, 3]
    assert torch.equal(torch.cat(features.batches), MASKS)
    assert all(type(batch) is torch.Tensor and batch.dtype == torch.int64 for batch in features.batches)


def test_only_samples_of_one_shape_share_a_batch() -> None:
    sizes = [(4, 4), (4, 4), (4, 6), (4, 4)]
    samples = [Sample(torch.zeros(1, *size, dtype=torch.uint8), 0) for size in sizes]
    features = Seen()
    assert read_features(samples, features, progress=False).shape == (4, 1)
    assert [tuple(batch.shape) for batch in features.batches] == [(2, 1, 4, 4), (1, 1, 4, 6), (1, 1, 4, 4)]
    with pytest.raises(ConfigError, match="one width for all, got 16 and 24"):
        read_features(samples, lambda images: images.flatten(1).float(), progress=False)
    assert read_features(samples, Pixels(2), progress=False).shape == (4, 4)


def test_features_pass_as_they_are() -> None:
    features = torch.rand(4, 2, requires_grad=True)
    assert torch.equal(read_features(features), features.detach())
    assert torch.equal(read_features(features.detach().numpy()), features.detach())
    assert not read_features(features).requires_grad


@pytest.mark.parametrize(
    ("samples", "part", "sentence"),
    [
        (torch.rand(4, 3, 8, 8), "image", r"floats must be features \(N, D\), at least one, found \(4, 3, 8, 8\)"),
        (torch.rand(0, 3), "image", r"found \(0, 3\)"),
        (MASKS, "image", r"uint8 \(N, C, H, W\), at least one, or features, float \(N, D\), found torch.int64"),
        (IMAGES, "mask", r"integers \(N, H, W\), at least one, or features.*found torch.uint8 \(7, 3, 6, 5\)"),
        (
            [Sample(IMAGES[0].float(), 0)],
            "image",
            r"must be uint8 \(C, H, W\), found torch.float32 \(3, 6, 5\)",
        ),
        ([Sample(IMAGES[0], 4)], "mask", r"an annotation must be a mask, integers \(H, W\), found int"),
        ([Sample(IMAGES[0], IMAGES[0])], "mask", r"found torch.uint8 \(3, 6, 5\)"),
        ([], "image", "is empty"),
        (iter([]), "image", "must be map-style"),
    ],
)
def test_what_is_no_set_is_refused(samples: Any, part: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_features(samples, Seen(), part=part, progress=False)


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (None, "images need features to be compared, got none"),
        (lambda images: images.float(), r"floats \(N, D\), got \(7, 3, 6, 5\) for 7"),
        (lambda images: images.flatten(1)[:2].float(), r"got \(2, 90\) for 7"),
        (lambda images: images.flatten(1), "must return floats, got torch.uint8"),
        (lambda images: [1.0], r"floats \(N, D\), got list"),
    ],
)
def test_features_that_are_none_are_refused(features: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_features(IMAGES, features, progress=False)


def test_an_image_among_masks_is_named_by_its_metric() -> None:
    with pytest.raises(DataError, match="an annotation must be a mask"):
        MaskFID(3, progress=False)([Sample(IMAGES[0], 1)] * 2, MASKS)


def test_a_bar_shows_unless_it_is_turned_off(capsys: pytest.CaptureFixture[str]) -> None:
    read_features(IMAGES, Seen(), progress=False)
    assert capsys.readouterr().err == ""
    read_features(np.asarray(IMAGES), Seen())
    assert "reading images" in capsys.readouterr().err
