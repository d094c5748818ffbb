from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import ConfigError
from genaug_data.recipes import RecipePolicy


@settings(deadline=None, max_examples=80)
@given(
    st.tuples(st.floats(0.1, 1.0), st.floats(0.1, 1.0)).map(sorted),
    st.floats(0, 1),
    st.integers(0, 2**40),
    st.integers(0, 1000),
)
def test_strength_stays_in_its_range_and_is_a_function_of_its_arguments(
    bounds: list[float], hardness: float, seed: int, variant: int
) -> None:
    low, high = bounds
    policy = RecipePolicy(strength=(low, high))
    recipe = policy.recipe(hardness, seed, 3, variant)
    assert low - 1e-4 <= recipe.strength <= high + 1e-4
    assert recipe == policy.recipe(hardness, seed, 3, variant)


def test_strengths_fall_into_few_groups() -> None:
    policy = RecipePolicy(strength=(0.4, 0.8))
    strengths = {policy.recipe(0.5, 0, parent, 0).strength for parent in range(300)}
    assert strengths == {0.5, 0.6, 0.7}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"strength": (0.0, 0.5)}, "0 < lowest <= highest <= 1, got"),
        ({"strength": (0.8, 0.5)}, "0 < lowest <= highest <= 1, got"),
        ({"strength": (0.5, 1.5)}, "0 < lowest <= highest <= 1, got"),
        (
            {"strength": (0.2, 0.5), "steps": 4},
            r"strength \* steps must be at least 1, got 0.2 \* 4 = 0.8; raise either",
        ),
    ],
)
def test_bad_ranges_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RecipePolicy(**arguments)
