"""Batches, items and loaders of a wrapped dataset."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Token
from tests.loops import train_for
from tests.toys import toy_base


def test_batches_hold_their_exact_share_of_variants_of_their_parents(wrap: Callable) -> None:
    base = toy_base(24)
    train = wrap(base, ratio=0.25)
    batches = train_for(train, epochs=8)
    for images, labels, meta in batches[-6:]:
        assert int(meta.synthetic.sum()) == 2
        for image, label, index, synthetic in zip(images, labels, meta.index, meta.synthetic, strict=True):
            parent, parent_label = base[index]
            difference = image.int() - parent.int()
            assert int(label) == parent_label
            assert bool((difference == 0).all()) != bool(synthetic)
            assert difference.abs().max() < 50
    stats = train.stats()
    assert stats["synthetic"] == sum(int(meta.synthetic.sum()) for _, _, meta in batches)
    assert stats["real"] + stats["synthetic"] == 8 * 24


def test_a_sync_run_is_a_function_of_its_seed(wrap: Callable, tmp_path: Path) -> None:
    runs = [train_for(wrap(cache=tmp_path / name, seed=seed), 6) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    for one, two in zip(runs[0], runs[1], strict=True):
        assert torch.equal(one[0], two[0])
        assert (one[2].rows == two[2].rows).all()
    assert any(not torch.equal(one[0], two[0]) for one, two in zip(runs[0], runs[2], strict=True))


@pytest.mark.parametrize(("workers", "method"), [(0, None), (1, "fork"), (2, "fork"), (2, "spawn")])
def test_results_do_not_depend_on_the_workers(wrap: Callable, tmp_path: Path, workers: int, method: str | None) -> None:
    def pixels(name: str, **arguments: object) -> list[torch.Tensor]:
        train = wrap(cache=tmp_path / name, ratio=0.5, policy="uniform")
        train.warmup()
        train.start()
        return [batch[0] for batch in train.loader(batch_size=8, **arguments)]

    plain = pixels("plain", num_workers=0)
    other = pixels("other", num_workers=workers, multiprocessing_context=method)
    assert all(torch.equal(one, two) for one, two in zip(plain, other, strict=True))


def test_an_integer_index_is_always_the_real_example(wrap: Callable) -> None:
    base = toy_base(24)
    train = wrap(base, transform=lambda image: image.float() / 255)
    train.warmup()
    for index in range(len(base)):
        image, label = train[index]
        assert torch.equal(image, base[index][0].float() / 255)
        assert label == base[index][1]
    plain = list(DataLoader(train, batch_size=4, shuffle=False))
    assert torch.equal(torch.cat([images for images, _ in plain]), torch.stack([image for image, _ in base]) / 255)
    assert len(train) == 24
    _, _, meta = next(iter(DataLoader(train, batch_size=4, shuffle=True, collate_fn=train.collate)))
    assert not meta.synthetic.any()


def test_without_variants_it_is_the_plain_loader(wrap: Callable) -> None:
    base = toy_base(24)
    train = wrap(base, ratio=0.0)
    seen = [(images, labels) for images, labels, _ in train.loader(batch_size=8)]
    order = [token.index for token in wrap(base, ratio=0.0).sampler()]
    assert torch.equal(torch.cat([images for images, _ in seen]), torch.stack([base[index][0] for index in order]))
    assert torch.cat([labels for _, labels in seen]).tolist() == [base[index][1] for index in order]


def test_a_missing_variant_gives_the_real_parent(wrap: Callable) -> None:
    base = toy_base(24)
    train = wrap(base)
    train.warmup()
    items = train.__getitems__([Token(3, b"x" * 16), Token(4)])
    assert torch.equal(items[0][0], base[3][0])
    assert items.meta.synthetic.tolist() == [False, False]
    assert items.meta.index.tolist() == [3, 4]


def test_unknown_attributes_are_the_wrapped_datasets(wrap: Callable) -> None:
    class Named(list):
        classes = ("a", "b", "c")

    train = wrap(Named(toy_base()))
    assert train.classes == ("a", "b", "c")
    with pytest.raises(AttributeError):
        train.nothing


def test_a_copy_in_a_loader_worker_reads_and_does_nothing_else(wrap: Callable) -> None:
    train = wrap()
    train.warmup()
    key = train._own().catalogue.items()[0][0]
    copy = pickle.loads(pickle.dumps(train))
    items = copy.__getitems__([Token(0, key)])
    assert items.meta.synthetic.tolist() == [True]
    with pytest.raises(ConfigError, match="DataLoader worker"):
        copy.sampler()
    with pytest.raises(ConfigError, match="in the training process"):
        copy.observe(items.meta, torch.zeros(1))


def test_pil_items_and_dict_items_come_back_in_their_own_form(wrap: Callable, tmp_path: Path) -> None:
    pictures = [(Image.fromarray(image[0].numpy()), label) for image, label in toy_base()]
    train = wrap(pictures, cache=tmp_path / "pil", collate_fn=list)
    train.warmup()
    key, parent, _ = train._own().catalogue.items()[0]
    image, label = train[Token(parent, key)]
    assert isinstance(image, Image.Image)
    assert image.mode == "L"
    assert label == pictures[parent][1]
    rows = [{"pixel_values": image.float() / 255, "labels": label} for image, label in toy_base()]
    train = wrap(rows, cache=tmp_path / "dict", ratio=0.5, policy="uniform")
    train.warmup()
    train.start()
    batch = next(iter(train.loader(batch_size=4)))
    assert set(batch) == {"pixel_values", "labels", "meta"}
    assert batch["pixel_values"].dtype == torch.float32
    assert int(batch["meta"].synthetic.sum()) == 2


def test_return_meta_false_leaves_the_batch_alone(wrap: Callable) -> None:
    images, labels = next(iter(wrap(return_meta=False).loader(batch_size=4)))
    assert images.shape == (4, 1, 8, 8)
    assert labels.shape == (4,)


def test_segmentation_masks_come_back_with_their_variants(wrap: Callable) -> None:
    base = [(image.expand(3, 8, 8).clone(), (image[0] // 100).long()) for image, _ in toy_base()]
    train = wrap(base, ratio=0.5, policy="uniform")
    assert train.task.name == "segmentation"
    train.warmup()
    train.start()
    images, masks, meta = next(iter(train.loader(batch_size=4)))
    assert images.shape == (4, 3, 8, 8)
    assert masks.dtype == torch.int64
    for mask, index in zip(masks, meta.index, strict=True):
        assert torch.equal(mask, base[index][1])


def test_images_of_different_sizes_in_one_batch_are_refused(wrap: Callable) -> None:
    base = [(torch.full((1, 8 + index % 2, 8), index, dtype=torch.uint8), 0) for index in range(8)]
    with pytest.raises(DataError, match="must have one size"):
        next(iter(wrap(base).loader(batch_size=4)))


def test_the_loader_refuses_what_it_sets_itself(wrap: Callable) -> None:
    with pytest.raises(ConfigError, match=r"loader\(\) sets shuffle itself"):
        wrap().loader(batch_size=4, shuffle=True)


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 95).map(lambda percent: percent / 100), st.integers(1, 24), st.sampled_from(["replace", "extend"])
)
def test_the_ratio_holds_in_every_batch(wrap: Callable, ratio: float, batch_size: int, mixing: str) -> None:
    train = wrap(cache=tempfile.mkdtemp(), ratio=ratio, policy="uniform", mixing=mixing)
    train.warmup()
    train.start()
    for images, _, meta in train.loader(batch_size=batch_size):
        assert abs(int(meta.synthetic.sum()) - len(images) * ratio) < 1
    train.close()


def test_a_base_that_reads_batches_is_read_in_batches(wrap: Callable) -> None:
    class Batched(list):
        calls: ClassVar[list] = []

        def __getitems__(self, indices: list[int]) -> list:
            self.calls.append(list(indices))
            return [self[index] for index in indices]

    base = Batched(toy_base(24))
    train = wrap(base, ratio=0.5, policy="uniform")
    train.warmup()
    train.start()
    Batched.calls.clear()
    for images, _, meta in train.loader(batch_size=8):
        real = meta.index[~meta.synthetic].tolist()
        assert Batched.calls.pop() == real
        for place in np.flatnonzero(~meta.synthetic):
            assert torch.equal(images[place], base[meta.index[place]][0])
    assert Batched.calls == []


def test_a_base_whose_batched_read_is_missing_serves_too(wrap: Callable) -> None:
    class Declared(list):
        __getitems__ = None

    base = toy_base(24)
    items = wrap(Declared(base)).__getitems__([3, 5])
    assert [label for _, label in items] == [base[3][1], base[5][1]]
