"""Datasets that cannot be generated from are refused."""

from __future__ import annotations

import pytest
import torch

from genaug_data.errors import DataError
from genaug_data.tasks import check_base, detect_task, resolve_task
from tests.tasks.items import BYTES


class Reading:
    """A dataset whose reads go through a function of (index, number of the read)."""

    def __init__(self, size, read):
        self.size, self.read, self.reads = size, read, 0

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        self.reads += 1
        return self.read(index, self.reads)


def test_check_base_accepts_a_deterministic_dataset():
    data = Reading(20, lambda index, read: (torch.full((1, 4, 4), index, dtype=torch.uint8), index))
    check_base(data, resolve_task("auto", data))
    assert data.reads < 20


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (
            lambda i, read: (torch.full((1, 4, 4), read, dtype=torch.uint8), 1),
            r"item 0 differs between two reads, .*transform=",
        ),
        (lambda i, read: (BYTES, read), r"augments randomly: take the random transforms out"),
        (
            lambda i, read: (torch.full((1, 4, 4), -1.0 if i > 5 else 0.5), 1),
            r"item \d+: float images .* looks normalised",
        ),
        (lambda i, read: (BYTES, 1 if i < 6 else -1), r"item \d+: a class label must be at least 0"),
        (
            lambda i, read: (BYTES, 1 if i < 6 else "cat"),
            r"item \d+: a class label must be an integer index, found 'cat'",
        ),
        (
            lambda i, read: (BYTES, 1) if i < 6 else BYTES,
            r"item \d+: an item is an object of type Tensor, but the first one",
        ),
    ],
)
def test_check_base_refuses(read, sentence):
    data = Reading(12, read)
    with pytest.raises(DataError, match=sentence):
        check_base(data, resolve_task("auto", data))


def test_check_base_refuses_empty_and_iterable_datasets():
    task = detect_task((BYTES, 3))
    with pytest.raises(DataError, match="is empty"):
        check_base([], task)
    with pytest.raises(DataError, match="map-style"):
        check_base(iter([1]), task)


def test_check_base_reads_as_many_items_as_asked_for():
    data = Reading(100, lambda index, read: (BYTES, index))
    check_base(data, detect_task((BYTES, 3)), probe=3)
    assert data.reads == 1 + 2 * 3
