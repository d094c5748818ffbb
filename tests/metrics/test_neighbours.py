from __future__ import annotations

import pytest
import torch

from genaug_data.metrics import neighbours
from genaug_data.metrics.neighbours import inside, nearest, squared_radii
from tests.metrics.clouds import cloud, distance, radius


@pytest.mark.parametrize("most", [1, 40, 1 << 20])
def test_chunks_of_any_size_find_what_slow_loops_find(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(neighbours, "_MOST_DISTANCES", most)
    points, centres = cloud(15), cloud(11, seed=1)
    radii = squared_radii(centres, 3)
    reach = [radius(centres, place, 3) for place in range(11)]
    assert radii.sqrt().tolist() == pytest.approx(reach)
    wanted = [[distance(point, centres[i]) <= reach[i] for i in range(11)] for point in points]
    chunks = list(inside(points, centres, radii))
    assert torch.cat(chunks).tolist() == wanted
    assert len(chunks) == {1: 15, 40: 5, 1 << 20: 1}[most]
    found, places = nearest(points, centres)
    for point, near, place in zip(points, found.sqrt().tolist(), places.tolist(), strict=True):
        distances = [distance(point, centre) for centre in centres]
        assert (near, place) == (pytest.approx(min(distances)), distances.index(min(distances)))


def test_a_neighbour_is_inside_the_ball_that_it_ends_far_from_zero_as_well() -> None:
    for shift in (0.0, 1e3):
        points = cloud(50, 8) + shift
        found = torch.cat(list(inside(points, points, squared_radii(points, 4))))
        assert found.sum(0).tolist() == [5] * 50


def test_equal_points_have_balls_of_no_size_that_hold_each_other() -> None:
    points = torch.full((4, 3), 0.1, dtype=torch.float64)
    assert torch.cat(list(inside(points, points, squared_radii(points, 1)))).all()
