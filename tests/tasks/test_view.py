"""A dataset as a sequence of samples."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from genaug_data.sample import Sample
from genaug_data.tasks import SampleView, dataset_probe, resolve_task


def test_view_is_a_sequence():
    data = [(torch.full((1, 4, 4), index, dtype=torch.uint8), index) for index in range(5)]
    view = SampleView(data, resolve_task("auto", data))
    assert len(view) == 5
    assert [sample.target for sample in view] == [0, 1, 2, 3, 4]
    assert view[-1].target == 4
    assert view[np.int64(2)].target == 2
    assert [sample.target for sample in view[1:4:2]] == [1, 3]
    assert all(isinstance(sample, Sample) for sample in view)
    assert pickle.loads(pickle.dumps(view))[3].target == 3
    for index in (5, -6):
        with pytest.raises(IndexError, match=f"index {index} is outside of a dataset of 5"):
            view[index]


def test_probe_tells_datasets_apart():
    def samples(size, changed=None):
        return [Sample(torch.zeros(1, 2, 2, dtype=torch.uint8), 1 if index == changed else 0) for index in range(size)]

    assert dataset_probe(samples(100)) == dataset_probe(samples(100))
    assert dataset_probe(samples(100)) != dataset_probe(samples(101))
    assert dataset_probe(samples(100)) != dataset_probe(samples(100, changed=0))
    assert dataset_probe(samples(100)) != dataset_probe(samples(100, changed=99))
    assert all(dataset_probe(samples(50)) != dataset_probe(samples(50, changed=index)) for index in range(50))
    assert len(dataset_probe([])) == 32
