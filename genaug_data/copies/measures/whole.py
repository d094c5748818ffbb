"""The distance between whole images, as is or mirrored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.copies.measures.base import Measure
from genaug_data.copies.perceptual import EVEN_WIDTH, describe

_CHUNK = 4096


class Whole(Measure):
    """The perceptual distance of :func:`~genaug_data.copies.perceptual.describe`; 1.3 KB an image of the set.

    Blind to brightness, contrast, blur, noise, compression and mirroring, not to cropping or turning.

    Example:
        >>> images = [torch.eye(8).mul(255).byte().unsqueeze(0), torch.arange(64).byte().reshape(1, 8, 8)]
        >>> measure = Whole()
        >>> measure.add(images)
        >>> distances, rows = measure.nearest([images[1], images[0].flip(2)])
        >>> rows.tolist(), distances.round(6).tolist()
        ([1, 0], [0.0, 0.0])
    """

    name = "whole"

    def __init__(self) -> None:
        self._blocks: list[torch.Tensor] = []

    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Describe more images of the set."""
        self._blocks.append(describe(images))

    def nearest(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compare with every image of the set, by matrix products in chunks."""
        if len(self._blocks) > 1:
            self._blocks = [torch.cat(self._blocks)]
        described = self._blocks[0]
        half_squares = described.square().sum(dim=1) / 2
        queries = describe(images)
        even, odd = queries[:, :EVEN_WIDTH], queries[:, EVEN_WIDTH:]
        best = torch.full((len(queries),), -torch.inf)
        rows = torch.zeros(len(queries), dtype=torch.int64)
        for start in range(0, len(described), _CHUNK):
            block = described[start : start + _CHUNK]
            # Mirroring negates the odd half: the better of both products is their even part plus the size of the odd.
            closeness = odd @ block[:, EVEN_WIDTH:].T
            closeness.abs_().addmm_(even, block[:, :EVEN_WIDTH].T).sub_(half_squares[start : start + _CHUNK])
            leave_out(closeness, exclude, start)
            value, row = closeness.max(dim=1)
            better = value > best
            best[better], rows[better] = value[better], row[better] + start
        return (queries.square().sum(dim=1) - 2 * best).clamp(0, 1).numpy(), rows.numpy()


def leave_out(closeness: torch.Tensor, exclude: np.ndarray | None, start: int) -> None:
    """Make the rows of ``exclude`` infinitely far, in place.

    Args:
        closeness: ``(N, M)``, of N images to the M rows from ``start`` on.
        exclude: int64 ``(N,)``, a row that does not count for each image, or -1; None for none at all.
        start: the first of the rows.
    """
    if exclude is None:
        return
    images = np.flatnonzero((exclude >= start) & (exclude < start + closeness.shape[1]))
    closeness[torch.from_numpy(images), torch.from_numpy(exclude[images] - start)] = -torch.inf
