from __future__ import annotations

import pytest

from genaug_data.errors import ConfigError
from genaug_data.workers import Budget


def test_room_counts_images_and_seconds() -> None:
    assert Budget().room(10**9, 1e9) == float("inf")
    assert Budget(images=10).room(7, 0) == 3
    assert Budget(images=10).room(12, 0) == 0
    assert Budget(seconds=5).room(0, 4.9) == float("inf")
    assert Budget(seconds=5).room(0, 5.0) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"duty": 0.0}, r"duty must be in \(0, 1\], got 0.0"),
        ({"duty": 1.5}, r"duty must be in \(0, 1\], got 1.5"),
        ({"slowdown": -0.1}, "slowdown must not be negative, got -0.1"),
        ({"slowdown": float("nan")}, "slowdown must not be negative, got nan"),
        ({"images": -1}, "images must not be negative, got -1"),
        ({"seconds": -2.0}, "seconds must not be negative, got -2.0"),
    ],
)
def test_bad_budgets_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Budget(**arguments)
