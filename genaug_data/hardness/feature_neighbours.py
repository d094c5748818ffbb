"""Hard is what lies among examples of other classes, far from its own, in the network's own features."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from genaug_data.errors import ConfigError, DataError
from genaug_data.hardness.base import HardnessPolicy
from genaug_data.hardness.ranks import class_ranks
from genaug_data.hardness.table import HardnessTable

_MOST_SIMILARITIES = 1 << 24


class FeatureNeighbours(HardnessPolicy):
    """Score: class-wise rank of the share of k neighbours with another label, plus that of the distance to the class.

    Neighbours are nearest by cosine in the features that the network under training has before its last layer; the
    distance to the class is 1 minus the cosine to the nearest other example of the same label. Disagreement of
    neighbours is what deep nearest neighbours (arXiv:1803.04765) judge a prediction by. Call :meth:`update` once an
    epoch, with features of all examples, without augmentation, and after loading a saved run, which does not hold them;
    before, all are equal. The table plays no part.

    Args:
        neighbours: k, at least 1.
        power: as in :class:`HardnessPolicy`.
        floor: as in :class:`HardnessPolicy`.
        min_observations: as in :class:`HardnessPolicy`; None for 0.

    Raises:
        ConfigError: k is below 1.

    Attributes:
        disagreement: share of neighbours with another label, float32 ``(N,)`` in [0, 1]; None before an update.
        distance: to the own class, float32 ``(N,)`` in [0, 2]; infinite for the only example of a class.
        suggestion: the commonest label among the neighbours, of equally common ones the lowest, int64 ``(N,)``; -1 if
            it is the example's own.

    Example:
        >>> policy = FeatureNeighbours(neighbours=1)
        >>> policy.update([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], [0, 0, 1, 0])
        >>> policy.disagreement.tolist(), policy.suggestion.tolist()
        ([0.0, 0.0, 1.0, 1.0], [-1, -1, 0, 1])
    """

    name = "feature_neighbours"
    min_observations = 0

    def __init__(
        self, *, neighbours: int = 10, power: float = 0.6, floor: float = 0.15, min_observations: int | None = None
    ) -> None:
        super().__init__(power=power, floor=floor, min_observations=min_observations)
        if neighbours < 1:
            raise ConfigError(f"neighbours must be at least 1, got {neighbours}; 10 is the default")
        self._neighbours = neighbours
        self.disagreement: np.ndarray | None = None
        self.distance: np.ndarray | None = None
        self.suggestion: np.ndarray | None = None
        self._score: np.ndarray | None = None

    @torch.no_grad()
    def update(self, features: torch.Tensor | ArrayLike, labels: torch.Tensor | ArrayLike) -> None:
        """Look for the neighbours anew: N^2 D multiplications, on the device of the features, in chunks of rows.

        Args:
            features: float ``(N, D)`` of all examples, in the order of the dataset; more than k examples.
            labels: class ids, integers ``(N,)``.

        Raises:
            DataError: shapes do not fit, a feature is not finite, or there are no k neighbours.
        """
        points = torch.as_tensor(features).detach().float()
        classes = torch.as_tensor(labels).detach().to(points.device).long()
        if points.ndim != 2 or classes.shape != points.shape[:1]:
            raise DataError(
                f"features must be (N, D) and labels (N,), got {tuple(points.shape)} and {tuple(classes.shape)}; "
                "pool features over space first"
            )
        if len(points) <= self._neighbours:
            raise DataError(
                f"{self._neighbours} neighbours need more examples than {len(points)}; pass a smaller neighbours="
            )
        if not bool(points.isfinite().all()):
            raise DataError("features hold values that are not finite; pass those of a network that has not diverged")
        points = torch.nn.functional.normalize(points, dim=1)
        chunk = max(1, _MOST_SIMILARITIES // len(points))
        found = [self._judge(points, classes, start, chunk) for start in range(0, len(points), chunk)]
        self.disagreement, self.distance, self.suggestion = (
            torch.cat(column).cpu().numpy() for column in zip(*found, strict=True)
        )
        names = classes.cpu().numpy()
        self._score = class_ranks(self.disagreement, names) + class_ranks(self.distance, names)

    def score(self, table: HardnessTable) -> np.ndarray:
        """Return the sum of both ranks, float32 in (0, 2); NaN before the first update."""
        return np.full(table.size, np.nan, dtype=np.float32) if self._score is None else self._score.copy()

    def _judge(
        self, points: torch.Tensor, classes: torch.Tensor, start: int, chunk: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return disagreement, distance and suggestion of the rows of one chunk."""
        similar = points[start : start + chunk] @ points.T
        own = classes[start : start + chunk, None]
        rows = torch.arange(len(similar), device=points.device)
        similar[rows, start + rows] = -torch.inf
        nearest = classes[similar.topk(self._neighbours, dim=1).indices]
        disagreement = (nearest != own).float().mean(1)
        # Two examples that are each other's nearest have one distance, which rounding errors must not turn into two.
        distance = (1 - similar.masked_fill_(classes != own, -torch.inf).amax(1)).round(decimals=5)
        votes = (nearest.unsqueeze(2) == nearest.unsqueeze(1)).sum(2)
        largest = torch.iinfo(nearest.dtype).max
        suggestion = nearest.masked_fill(votes < votes.amax(1, keepdim=True), largest).amin(1)
        return disagreement, distance, suggestion.masked_fill(suggestion == own.squeeze(1), -1)
