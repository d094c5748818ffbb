from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.utils.data import Dataset, Subset

from genaug_data.arguments import check_arguments, check_protected
from genaug_data.auto_off import AutoOff
from genaug_data.errors import ConfigError, DataError, GenaugError, LeakError
from genaug_data.gates import NoOp
from genaug_data.recipes import RecipePolicy
from genaug_data.tasks import SampleView, detect_task
from genaug_data.workers import Budget
from tests.toys import toy_base


def test_sound_arguments_pass() -> None:
    check_arguments(
        {"mode": "sync", "worker": "inline", "max_bytes": 5, "seed": 1, "ratio": 0, "synthetic_weight": 0.5}
    )
    check_arguments({"recipes": None, "budget": Budget(), "gates": [NoOp()], "protected": (), "cache": "x", "other": 3})
    check_arguments({"recipes": RecipePolicy(), "gates": None})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"mode": "later"}, "mode must be 'async' or 'sync', got 'later'"),
        ({"max_bytes": "1"}, "max_bytes must be at least 1, got '1'"),
        ({"max_bytes": 1e9}, "max_bytes must be at least 1, got 1000000000.0; pass a whole number"),
        ({"max_children": True}, "max_children must be at least 1, got True"),
        ({"seed": 1.5}, "seed must be an integer, got 1.5"),
        ({"ratio": "0.5"}, "ratio must be a number or a genaug_data.Ratio, got '0.5'"),
        ({"synthetic_weight": "x"}, "synthetic_weight must be a number, got 'x'"),
        ({"recipes": 3}, "recipes must be a RecipePolicy, got int"),
        ({"budget": 3}, "budget must be a Budget, got int"),
        ({"cache": None}, "cache must be the path of a folder, got None"),
        ({"protected": toy_base}, r"protected must be a list of datasets, got a function; write protected=\[dataset\]"),
        ({"protected": None}, "protected must be a list of datasets, got a NoneType"),
        ({"gates": NoOp()}, "gates must be a list of genaug_data.gates.Gate objects, got a NoOp"),
        ({"auto_off": AutoOff(), "return_meta": False}, "auto_off= needs return_meta=True"),
        ({"gates": [NoOp(), 3]}, "gates must be a list of genaug_data.gates.Gate objects, got a int"),
    ],
)
def test_others_are_refused_by_name(arguments: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_arguments(arguments)


def test_protected_items_are_like_those_of_the_training_set() -> None:
    task = detect_task(toy_base(1)[0])
    check_protected([SampleView(toy_base(2), task), SampleView([], task)])
    normalised = [(torch.linspace(-1, 1, 64).view(1, 8, 8), 0)]
    with pytest.raises(
        DataError, match=r"the items of protected\[1\] must be like those of base, without normalisation"
    ):
        check_protected([SampleView(toy_base(2), task), SampleView(normalised, task)])


class Normalised(Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.linspace(-1, 1, 64).view(1, 8, 8), 0


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"ratio": 1.2}, ConfigError, "ratio must be in"),
        ({"mode": "later"}, ConfigError, "mode must be 'async' or 'sync', got 'later'"),
        ({"worker": "cloud"}, ConfigError, "worker must be 'process' or 'inline', got 'cloud'"),
        ({"max_children": 0}, ConfigError, "max_children must be at least 1, got 0"),
        ({"refresh_every": 0}, ConfigError, "refresh_every must be at least 1, got 0"),
        ({"base": []}, DataError, "empty"),
        ({"base": Normalised()}, DataError, "transform="),
        ({"base": [(torch.zeros(1, 8, 8, dtype=torch.uint8), 0.5)] * 4}, DataError, "label"),
        ({"base": ["text"] * 4}, DataError, "str, which is not recognised"),
        ({"protected": [toy_base(24)]}, LeakError, "protected"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(wrap: Callable, arguments: dict, error: type, sentence: str) -> None:
    with pytest.raises(error, match=sentence) as caught:
        wrap(**arguments)
    assert issubclass(caught.type, GenaugError)


def test_overlapping_subsets_are_refused(wrap: Callable) -> None:
    base = toy_base(24)
    with pytest.raises(LeakError):
        wrap(Subset(base, range(16)), protected=[Subset(base, range(15, 24))])
