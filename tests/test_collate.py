from __future__ import annotations

import pickle
from typing import NamedTuple

import numpy as np
import pytest
import torch

from genaug_data.collate import Collate, MixedItems
from genaug_data.errors import DataError
from genaug_data.meta import SampleMeta

META = SampleMeta.pack([4, 2], [None, b"k" * 16], synthetic_weight=0.5)


class Pair(NamedTuple):
    image: torch.Tensor
    label: int


def test_tuples_get_the_meta_as_their_last_element() -> None:
    images, labels, meta = Collate()(MixedItems([(torch.zeros(1, 2, 2), 3), (torch.ones(1, 2, 2), 4)], META))
    assert images.shape == (2, 1, 2, 2)
    assert labels.tolist() == [3, 4]
    assert meta is META


def test_mappings_get_it_under_a_key_and_named_tuples_beside_them() -> None:
    batch = Collate()(MixedItems([{"labels": 1}, {"labels": 2}], META))
    assert batch["labels"].tolist() == [1, 2]
    assert batch["meta"] is META
    pair, meta = Collate()(MixedItems([Pair(torch.zeros(1), 0), Pair(torch.ones(1), 1)], META))
    assert pair.label.tolist() == [0, 1]
    assert meta is META


def test_the_users_collate_function_is_called_and_meta_can_be_left_out() -> None:
    assert Collate(inner=len, return_meta=False)(MixedItems([1, 2], META)) == 2
    assert Collate(inner=len)(MixedItems([1, 2], META)) == (2, META)
    assert Collate(inner=list)([1, 2]) == [1, 2]


def test_images_of_different_sizes_are_refused_in_a_sentence() -> None:
    items = MixedItems([(torch.zeros(1, 2, 2), 3), (torch.ones(1, 2, 3), 4)], META)
    with pytest.raises(
        DataError, match=r"must have one size, got \(1, 2, 2\) and \(1, 2, 3\); resize them in transform="
    ):
        Collate()(items)


def test_other_errors_of_the_collate_function_stay_what_they_are() -> None:
    def broken(items: list) -> None:
        raise RuntimeError("my own")

    with pytest.raises(RuntimeError, match="my own"):
        Collate(inner=broken)(MixedItems([(torch.zeros(1, 2, 2), 3)] * 2, META))


def test_a_key_meta_of_the_user_is_not_overwritten() -> None:
    with pytest.raises(DataError, match="has a key 'meta' already"):
        Collate()(MixedItems([{"meta": 1}, {"meta": 2}], META))


def test_meta_survives_the_queue_of_a_worker() -> None:
    again = pickle.loads(pickle.dumps(META))
    assert again.index.tolist() == [4, 2]
    assert again.synthetic.tolist() == [False, True]
    assert [bytes(row) for row in again.key] == [bytes(16), b"k" * 16]
    assert again.weight().tolist() == [1.0, 0.5]
    assert again.weight().dtype == torch.float32
    assert again.index.dtype == np.int64
    assert len(again) == 2


def test_items_that_are_left_as_they_are_come_beside_their_meta() -> None:
    meta = SampleMeta.pack([4, 2], [None, None])
    items = [(1.0, 0), (2.0, 1)]
    for inner in (lambda given: given, list, tuple):
        batch, found = Collate(inner)(MixedItems(items, meta))
        assert list(batch) == items
        assert found is meta
    with pytest.raises(TypeError, match="batch must contain tensors"):
        Collate()(MixedItems([(object(), 0)], SampleMeta.pack([1], [None])))
