import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.copies.perceptual import describe
from genaug_data.errors import DataError
from genaug_data.gates import protected_index
from genaug_data.gates.protected_index import ProtectedIndex, evenly_spaced, image_hash, is_constant, read_images
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def photos(count, seed=0, shape=(3, 20, 20)):
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch_generator(seed))
    return [Sample(image, i) for i, image in enumerate(images)]


def squared(a, b):
    return sum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist(), strict=True))


@pytest.mark.parametrize("chunk", [2, 1000])
def test_nearest_is_the_least_distance_as_is_or_mirrored(monkeypatch, chunk):
    monkeypatch.setattr(protected_index, "_CHUNK", chunk)
    sets = [photos(4), photos(3, 1, (1, 8, 8))]
    queries = [sample.image for sample in photos(5, 2)] + [sets[0][2].image.flip(2) // 2]
    distance, dataset, item = ProtectedIndex(sets, progress=False).nearest(queries)
    for i, query in enumerate(queries):
        (as_is, mirrored) = describe([query, query.flip(2)])
        slow = {
            (number, place): min(squared(as_is, there), squared(mirrored, there))
            for number, samples in enumerate(sets)
            for place, there in enumerate(describe([sample.image for sample in samples]))
        }
        assert (dataset[i], item[i]) == min(slow, key=slow.__getitem__)
        assert distance[i] == pytest.approx(min(slow.values()), abs=1e-5)


def test_more_images_than_a_chunk_of_reads_keep_their_places(monkeypatch):
    monkeypatch.setattr(protected_index, "_READ", 3)
    beats = []
    samples = photos(8)
    index = ProtectedIndex([samples], progress=False, beat=lambda: beats.append(1))
    nearest = index.nearest([sample.image for sample in samples])
    assert nearest.item.tolist() == list(range(8))
    assert nearest.distance.tolist() == [0.0] * 8
    assert len(index) == 8
    assert len(beats) == 3


def test_constant_images_are_left_out():
    blank = Sample(torch.full((3, 20, 20), 7, dtype=torch.uint8), 0)
    (photo,) = photos(1)
    index = ProtectedIndex([[blank, photo]], progress=False)
    assert len(index) == 1
    distance, _, item = index.nearest([photo.image, blank.image])
    assert item.tolist() == [1, 1]
    assert distance[0] == 0
    assert distance[1] > 0.2
    with pytest.raises(DataError, match="every protected image is constant; pass sets of real images as protected"):
        ProtectedIndex([[blank], [blank]], progress=False)


def test_is_constant_looks_at_each_channel():
    image = torch.tensor([10, 20, 30], dtype=torch.uint8).reshape(3, 1, 1).expand(3, 4, 4).clone()
    assert is_constant(image)
    image[2, 3, 3] = 31
    assert not is_constant(image)


def test_image_hash_knows_shape_and_values():
    image = photos(1)[0].image
    assert image_hash(image) == image_hash(image.clone())
    assert image_hash(image.permute(0, 2, 1)) == image_hash(image.permute(0, 2, 1).contiguous())
    assert image_hash(image) != image_hash(image.reshape(3, 10, 40))
    other = image.clone()
    other[0, 0, 0] ^= 1
    assert image_hash(image) != image_hash(other)


@given(st.integers(0, 300), st.integers(1, 50))
def test_evenly_spaced_indices_are_distinct_and_spread(size, limit):
    indices = evenly_spaced(size, limit).tolist()
    assert len(indices) == min(size, limit)
    assert all(0 <= index < size for index in indices)
    gaps = np.diff(indices)
    assert len(gaps) == 0 or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)


def test_reads_show_a_bar_only_if_asked(capsys, monkeypatch):
    import tqdm.auto

    original = tqdm.auto.tqdm
    monkeypatch.setattr(tqdm.auto, "tqdm", lambda **options: original(**{**options, "delay": 0}))
    for progress in (False, True):
        list(read_images(photos(2), np.arange(2), "reading", progress))
        assert ("reading" in capsys.readouterr().err) is progress


@given(st.permutations(range(6)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_queries_does_not_matter(order):
    index = ProtectedIndex([photos(9)], progress=False)
    queries = [sample.image for sample in photos(4, 3) + photos(2, 0)]
    distance, _, item = index.nearest(queries)
    permuted_distance, _, permuted_item = index.nearest([queries[i] for i in order])
    assert permuted_item.tolist() == item[order].tolist()
    np.testing.assert_allclose(permuted_distance, distance[order], atol=1e-6)
