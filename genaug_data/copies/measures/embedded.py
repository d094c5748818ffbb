"""The distance in the features of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.copies.measures.base import Measure
from genaug_data.copies.measures.whole import leave_out
from genaug_data.copies.reading import places_by_shape
from genaug_data.errors import ConfigError
from genaug_data.features import Features, name_of

_CHUNK = 16_384


class Embedded(Measure):
    """Half of one minus the cosine between two images' features, so 0 for equal directions and 1 for opposite ones.

    Networks for copy detection see what no arithmetic on pixels does; SSCD (arXiv:2202.10261) is the usual one.
    Features take 4 bytes a number; a million of 512 numbers are compared by matrix products in chunks.

    Args:
        features: any callable from images uint8 ``(B, C, H, W)`` to floats ``(B, D)``. Images are handed over in
            groups of equal shape.

    Example:
        >>> measure = Embedded(lambda images: images.flatten(1).float())
        >>> measure.add([torch.tensor([[[3, 4]]], dtype=torch.uint8), torch.tensor([[[9, 0]]], dtype=torch.uint8)])
        >>> distances, rows = measure.nearest([torch.tensor([[[4, 3]]], dtype=torch.uint8)])
        >>> rows.tolist(), f"{distances[0]:.3f}"
        ([0], '0.020')
    """

    name = "embedded"

    def __init__(self, features: Features) -> None:
        self._features = features
        self._blocks: list[torch.Tensor] = []

    @property
    def fingerprint(self) -> str:
        """The network's weights, or the name of the function."""
        return f"{self.name}({name_of(self._features)})"

    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Describe more images of the set."""
        self._blocks.append(self._directions(images))

    def nearest(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compare with every image of the set, by matrix products in chunks."""
        if not images:
            return np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64)
        if len(self._blocks) > 1:
            self._blocks = [torch.cat(self._blocks)]
        queries, described = self._directions(images), self._blocks[0]
        best = torch.full((len(queries),), -torch.inf)
        rows = torch.zeros(len(queries), dtype=torch.int64)
        for start in range(0, len(described), _CHUNK):
            closeness = queries @ described[start : start + _CHUNK].T
            leave_out(closeness, exclude, start)
            value, row = closeness.max(dim=1)
            better = value > best
            best[better], rows[better] = value[better], row[better] + start
        return ((1 - best) / 2).clamp(0, 1).numpy(), rows.numpy()

    def _directions(self, images: Sequence[torch.Tensor]) -> torch.Tensor:
        width = self._blocks[0].shape[1] if self._blocks else 0
        found: list[torch.Tensor] = [torch.empty(0)] * len(images)
        for places in places_by_shape(images).values():
            with torch.no_grad():
                features = self._features(torch.stack([images[place] for place in places]))
            if not isinstance(features, torch.Tensor) or features.ndim != 2 or len(features) != len(places):
                told = tuple(features.shape) if isinstance(features, torch.Tensor) else type(features).__name__
                raise ConfigError(
                    f"features must return floats (B, D), got {told} for {len(places)} images; flatten what each has"
                )
            if not features.isfinite().all():
                raise ConfigError("features returned values that are NaN or infinite; check the network and its input")
            if features.shape[1] != (width := width or features.shape[1]) or width == 0:
                raise ConfigError(
                    f"features must return as many numbers for images of every size, got {features.shape[1]} and "
                    f"{width}; scale images to one size in them"
                )
            directions = torch.nn.functional.normalize(features.float().cpu(), dim=1)
            for place, direction in zip(places, directions, strict=True):
                found[place] = direction
        return torch.stack(found)
