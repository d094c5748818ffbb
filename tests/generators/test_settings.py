import pytest

from genaug_data.errors import ConfigError
from genaug_data.generators.settings import FitSettings


def test_larger_images_get_more_levels_and_steps():
    small, medium, large, huge = (FitSettings().sized((side, side)) for side in (8, 32, 64, 128))
    assert len(small.channels) < len(medium.channels) < len(large.channels) < len(huge.channels)
    assert small.max_steps < medium.max_steps < large.max_steps < huge.max_steps
    assert FitSettings().sized((31, 17)) == medium


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
