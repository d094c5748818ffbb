from dataclasses import astuple
from itertools import pairwise

import pytest

from genaug_data.errors import ConfigError
from genaug_data.generators.settings import FitSettings


@pytest.mark.parametrize("on_gpu", [False, True])
def test_larger_images_get_more_levels_and_steps(on_gpu):
    found = [FitSettings().sized((side, side), on_gpu=on_gpu) for side in (8, 16, 32, 64)]
    for smaller, larger in pairwise(found):
        assert len(smaller.channels) <= len(larger.channels)
        assert smaller.max_steps < larger.max_steps
    assert FitSettings().sized((31, 17), on_gpu=on_gpu) == found[2]
    assert None not in astuple(FitSettings().sized((1000, 1), on_gpu=on_gpu))


def test_a_gpu_affords_more():
    for side in (8, 16, 32, 64, 128):
        cpu, gpu = (FitSettings().sized((side, side), on_gpu=on_gpu) for on_gpu in (False, True))
        assert sum(gpu.channels) > sum(cpu.channels)
        assert gpu.max_steps > cpu.max_steps


def test_what_was_given_is_kept():
    given = FitSettings(max_steps=7, batch_size=3, channels=(8,), learning_rate=0.5)
    assert given.sized((64, 64)) == given


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, got -1"),
        ({"patience": 0}, "patience must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"condition_dropout": 1.0}, "condition_dropout must lie between 0 and 1, got 1.0"),
        ({"condition_dropout": 0.0}, "condition_dropout must lie between 0 and 1, got 0.0"),
        ({"channels": (12, 24)}, r"channels must be multiples of 8, one number per level, got \(12, 24\)"),
        ({"channels": ()}, r"channels must be multiples of 8, one number per level, got \(\)"),
        ({"mixed_precision": "fp8"}, "mixed_precision must be .* got 'fp8'"),
    ],
)
def test_settings_that_cannot_work_are_refused(arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        FitSettings(**arguments)
