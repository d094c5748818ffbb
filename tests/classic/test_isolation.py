"""Global generators are left alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from genaug_data.classic import ClassicAugment
from genaug_data.classic.isolation import isolated_draws
from genaug_data.classic.policies import POLICIES
from tests.classic.batches import LABELS, MASKS, batch, kornia


@pytest.mark.parametrize("policy", [*POLICIES, "kornia"])
def test_global_generators_are_left_alone(policy):
    images, masks = batch()
    module = kornia().AugmentationSequential(kornia().RandomAffine(20.0), data_keys=["input", "mask"])
    augment = ClassicAugment(MASKS, module if policy == "kornia" else policy)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    augment(images, masks)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]
    assert not torch.cuda.is_initialized()


def test_isolation_ends_where_an_error_does():
    before = torch.get_rng_state()

    def fail():
        with isolated_draws(1):
            torch.rand(3)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_no_seed_is_left_for_devices_that_are_not_in_use(monkeypatch):
    """``torch.manual_seed`` would queue one, which then decides what a CUDA device draws once it is used."""
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    torch.manual_seed(0)
    assert seeded == [0]
    ClassicAugment(LABELS)(batch()[0])
    assert seeded == [0]
