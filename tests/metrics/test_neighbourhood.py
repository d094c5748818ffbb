from __future__ import annotations

import pytest

from genaug_data.errors import ConfigError, DataError
from genaug_data.metrics import Coverage, Density, NeighbourhoodMetric, Precision, Recall
from tests.metrics.clouds import cloud


@pytest.mark.parametrize(("kind", "default"), [(Precision, 3), (Recall, 3), (Density, 5), (Coverage, 5)])
def test_neighbours_are_those_of_the_paper_and_can_be_chosen(kind: type[NeighbourhoodMetric], default: int) -> None:
    assert (kind().neighbours, kind(neighbours=2).neighbours) == (default, 2)
    with pytest.raises(ConfigError, match="neighbours must be at least 1, got 0"):
        kind(neighbours=0)
    with pytest.raises(DataError, match="needs at least 8 samples of each set, found 7"):
        kind(neighbours=7)(cloud(7), cloud(9))
    assert (kind().needed(5), kind(neighbours=5000).needed(5)) == (1000, 5001)
