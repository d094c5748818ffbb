import numpy as np
import pytest
import torch

from genaug_data.copies.measures import Embedded, embedded
from genaug_data.errors import ConfigError
from genaug_data.seeding import torch_generator

IMAGES = list(torch.randint(0, 256, (9, 3, 4, 4), dtype=torch.uint8, generator=torch_generator(0)))


def flat(images):
    return images.flatten(1).float() - 100


@pytest.mark.parametrize("chunk", [2, 1000])
def test_nearest_is_the_largest_cosine(monkeypatch, chunk):
    monkeypatch.setattr(embedded, "_CHUNK", chunk)
    measure = Embedded(flat)
    measure.add(IMAGES[:4])
    measure.add(IMAGES[4:7])
    distances, rows = measure.nearest(IMAGES, np.array([0, *[-1] * 8]))
    for place, image in enumerate(IMAGES):
        cosines = []
        for known in IMAGES[:7]:
            a, b = (flat(each.unsqueeze(0))[0].double() for each in (image, known))
            cosines.append(float(a @ b / (a.norm() * b.norm())))
        if place == 0:
            cosines[0] = -9
        assert rows[place] == int(np.argmax(cosines))
        assert distances[place] == pytest.approx((1 - max(cosines)) / 2, abs=1e-5)


def test_shapes_may_be_mixed():
    measure = Embedded(lambda images: images.float().mean((2, 3)))
    measure.add([IMAGES[0], IMAGES[1][:, :2], IMAGES[2]])
    assert measure.nearest([IMAGES[1][:, :2]])[1].tolist() == [1]


def test_what_features_return_is_checked():
    for features, told in (
        (lambda images: images.float(), r"must return floats \(B, D\), got \(2, 3, 4, 4\) for 2 images"),
        (lambda images: 3, "got int for 2 images"),
        (lambda images: images.flatten(1) * float("nan"), "NaN or infinite"),
    ):
        with pytest.raises(ConfigError, match=told):
            Embedded(features).add(IMAGES[:2])


def test_the_fingerprint_names_the_network():
    assert Embedded(flat).fingerprint == "embedded(flat)"
    assert Embedded(torch.nn.Flatten()).fingerprint != Embedded(torch.nn.Linear(2, 2)).fingerprint


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_a_row_that_is_left_out_does_not_count(monkeypatch, chunk):
    monkeypatch.setattr(embedded, "_CHUNK", chunk)
    measure = Embedded(flat)
    measure.add(IMAGES)
    directions = [flat(image.unsqueeze(0))[0].double() for image in IMAGES]
    distances, rows = measure.nearest(IMAGES, np.arange(9))
    for place, here in enumerate(directions):
        cosines = [float(here @ there / (here.norm() * there.norm())) for there in directions]
        cosines[place] = -9
        assert rows[place] == int(np.argmax(cosines))
        assert distances[place] == pytest.approx((1 - max(cosines)) / 2, abs=1e-5)


def test_the_only_row_left_out_leaves_the_largest_distance():
    measure = Embedded(flat)
    measure.add(IMAGES[:1])
    assert measure.nearest(IMAGES[:1], np.array([0]))[0].tolist() == [1.0]
    assert [len(found) for found in measure.nearest([])] == [0, 0]


def test_features_that_are_longer_for_larger_images_are_refused():
    larger = torch.zeros(3, 5, 4, dtype=torch.uint8)
    with pytest.raises(ConfigError, match=r"as many numbers for images of every size, got 60 and 48; scale"):
        Embedded(flat).add([*IMAGES, larger])
    measure = Embedded(flat)
    measure.add(IMAGES)
    with pytest.raises(ConfigError, match=r"got 60 and 48"):
        measure.nearest([larger])
