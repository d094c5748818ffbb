from __future__ import annotations

import pytest

from genaug_data.report.sections.cost import rate


def test_the_rate_is_that_of_the_time_in_which_images_were_made() -> None:
    # Two an hour apart: 4 images a second for 25 s, then 1 a second for 25 s.
    created = [1000 + place / 4 for place in range(100)] + [5000.0 + place for place in range(25)]
    found = rate(created[::-1])
    total = sum(value for _, value in found) * (found[1][0] - found[0][0])
    assert total == pytest.approx(len(created) - 1, abs=1e-6)
    assert found[0][1] == pytest.approx(4, rel=0.15)
    assert found[-1][1] == pytest.approx(1, rel=0.5)
    assert found[-1][0] < 50


@pytest.mark.parametrize("created", [[], [0.0, 0.0], [5.0], [5.0, 5.0, 5.0], [0.0, 100.0, 900.0]])
def test_no_time_has_no_rate(created: list[float]) -> None:
    assert rate(created) == []
