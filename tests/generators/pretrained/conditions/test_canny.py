from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.generators.pretrained import Canny
from genaug_data.sample import Sample


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_edges_lie_where_brightness_changes_and_nowhere_else(channels: int) -> None:
    image = torch.full((channels, 20, 24), 40, dtype=torch.uint8)
    image[:3, 5:15, 8:18] = 200
    edges = Canny().image(Sample(image, 0))
    assert edges.shape == (3, 20, 24)
    assert set(edges.unique().tolist()) == {0.0, 1.0}
    assert edges[0].equal(edges[1])
    near = torch.zeros(20, 24, dtype=torch.bool)
    near[3:17, 6:20] = True
    near[7:13, 10:16] = False
    assert not edges[0][~near].any()
    assert all(edges[0, row, 6:10].any() and edges[0, row, 16:20].any() for row in range(7, 13))


def test_a_fourth_channel_plays_no_part() -> None:
    image = torch.full((4, 8, 8), 9, dtype=torch.uint8)
    image[3, :, 4:] = 255
    assert not Canny().image(Sample(image, 0)).any()


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.2), (-0.1, 0.5), (0.1, 1.5)])
def test_thresholds_that_are_none_are_refused(low: float, high: float) -> None:
    with pytest.raises(ConfigError, match="0 <= low < high <= 1"):
        Canny(low, high)


def test_thresholds_are_part_of_the_name() -> None:
    assert Canny(0.1, 0.3).identity != Canny().identity


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
def test_the_smallest_images_have_edges_too(size: tuple[int, int]) -> None:
    assert Canny().image(Sample(torch.zeros(3, *size, dtype=torch.uint8), 0)).shape == (3, *size)
