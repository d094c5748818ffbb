import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from genaug_data.copies.reading import evenly_spaced, image_hash, is_constant, read_images
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def photos(count, seed=0, shape=(3, 20, 20)):
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch_generator(seed))
    return [Sample(image, i) for i, image in enumerate(images)]


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
