"""The contract of metrics that ask who lies in whose neighbourhood."""

from __future__ import annotations

from typing import Any

from genaug_data.errors import ConfigError
from genaug_data.features import Features
from genaug_data.metrics.base import SetMetric


class NeighbourhoodMetric(SetMetric):
    """A metric by the k nearest neighbours of each sample: a ball around it that reaches to the k-th.

    The share of n samples is known to within ``sqrt(p (1 - p) / n)``: 1.6 percentage points for 1,000. With fewer, the
    balls also reach so far that everything lies in one. They shrink as a set grows, so compare values of equally large
    sets only. Published values are of 10,000 samples and more.

    Args:
        features: as in :class:`SetMetric`.
        neighbours: k, at least 1.
        options: those of :class:`SetMetric`.

    Raises:
        ConfigError: k is below 1.
    """

    def __init__(self, features: Features | None = None, *, neighbours: int = 5, **options: Any) -> None:
        super().__init__(features, **options)
        if neighbours < 1:
            raise ConfigError(f"neighbours must be at least 1, got {neighbours}; leave it out for that of the paper")
        self.neighbours = neighbours
        self.least = neighbours + 1

    def needed(self, dimensions: int) -> int:
        """Return 1,000, whatever the dimensions."""
        return max(1000, self.least)
