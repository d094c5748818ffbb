from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import genaug_data.testing
from genaug_data.errors import GenaugError
from genaug_data.testing import Violation
from genaug_data.testing.rules import global_seed, unshared_randomness


def test_the_public_names_are_sorted_and_documented() -> None:
    names = genaug_data.testing.__all__
    assert names == sorted(names)
    for name in names:
        assert getattr(genaug_data.testing, name).__doc__


def test_a_violation_is_an_assertion_and_one_of_our_errors() -> None:
    assert issubclass(Violation, AssertionError)
    assert issubclass(Violation, GenaugError)


def test_importing_it_loads_nothing_heavy() -> None:
    absent = ["diffusers", "transformers", "kornia", "accelerate", "torchvision", "pytest", "hypothesis", "sklearn"]
    program = f"import genaug_data.testing, sys; print([name for name in {absent} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_global_generators_are_seeded_inside_and_restored() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    drawn = []
    for seed in (1, 1, 2):
        with global_seed(seed):
            drawn.append((float(torch.rand(())), float(np.random.rand())))
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert torch.get_rng_state().equal(before[0])
    assert np.random.get_state()[1].tolist() == before[1]


def test_two_generators_that_were_touched_are_both_named() -> None:
    sentence = "the fit changed the state of the global generator of torch and numpy; draw"
    with global_seed(0), pytest.raises(Violation, match=sentence), unshared_randomness("the fit"):
        torch.rand(1), np.random.rand()
