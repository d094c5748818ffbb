import math

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.features import name_of
from genaug_data.gates.likeness import Margin, OwnSimilarity
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def flat(images):
    return images.flatten(1).float()


def sample(number, target=0):
    return Sample(torch.randint(0, 256, (1, 3, 3), dtype=torch.uint8, generator=torch_generator(number)), target)


def cosine(one, other):
    a, b = one.image.flatten().tolist(), other.image.flatten().tolist()
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def test_own_similarity_is_the_cosine():
    for number in range(20):
        parent, child = sample(number), sample(number + 100)
        assert OwnSimilarity(flat)(parent, child) == pytest.approx(cosine(parent, child), abs=1e-5)
    assert OwnSimilarity(flat)(parent, parent) == pytest.approx(1)


def test_the_margin_is_over_the_nearest_example_of_another_class():
    train = [sample(number, number % 3) for number in range(12)]
    margin = Margin(flat, train)
    for number in range(12):
        child = sample(number + 50, number % 3)
        others = [cosine(other, child) for other in train if other.target != train[number].target]
        expected = cosine(train[number], child) - max(others)
        assert margin(train[number], child) == pytest.approx(expected, abs=1e-5)


def test_without_classes_every_other_example_is_another():
    train = [Sample(sample(number).image, torch.full((3, 3), number)) for number in range(4)]
    child = sample(9)
    expected = cosine(train[2], child) - max(cosine(train[place], child) for place in (0, 1, 3))
    assert Margin(flat, train)(train[2], child) == pytest.approx(expected, abs=1e-5)


def test_a_margin_needs_two_classes():
    with pytest.raises(ConfigError, match='all 3 training examples are of one; use score="own"'):
        Margin(flat, [sample(number) for number in range(3)])


def test_images_are_looked_at_one_by_one():
    seen = []

    def features(images):
        seen.append(len(images))
        return flat(images)

    Margin(features, [sample(0, 0), sample(1, 1)])(sample(0, 0), sample(2, 0))
    assert seen == [1] * 4


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (lambda images: images.float(), r"features must return floats \(B, D\), got torch.float32 \(1, 1, 3, 3\)"),
        (lambda images: images.flatten(1), r"got torch.uint8 \(1, 9\)"),
        (lambda images: images.flatten().float(), r"got torch.float32 \(9,\)"),
        (lambda images: 3.0, "got float"),
        (lambda images: flat(images) * float("nan"), "values that are NaN or infinite"),
    ],
)
def test_features_that_are_none_are_refused(features, sentence):
    with pytest.raises(ConfigError, match=sentence):
        OwnSimilarity(features)(sample(0), sample(1))


def test_names_tell_networks_apart():
    class Named:
        fingerprint = "mine/3"

    assert name_of(Named()) == "mine/3"
    assert name_of(flat) == "flat"
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    torch.nn.init.zeros_(one.weight)
    torch.nn.init.ones_(other.weight)
    assert name_of(one) != name_of(other)
    before = name_of(one)
    assert name_of(one) == before
