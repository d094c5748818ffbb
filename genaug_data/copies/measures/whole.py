"""The distance between whole images, as is or mirrored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.copies.measures.base import Measure, has_bfloat16
from genaug_data.copies.perceptual import EVEN_WIDTH, describe

_CHUNK = 1 << 17
_CANDIDATES = 8


class Whole(Measure):
    """The perceptual distance of :func:`~genaug_data.copies.perceptual.describe`; 2 KB an image of the set.

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
        self._rough: list[torch.Tensor] = []

    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Describe more images of the set."""
        self._blocks.append(describe(images))

    def nearest(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compare with every image of the set by rounded numbers, and with the nearest of these exactly."""
        if len(self._blocks) > 1:
            self._blocks = [torch.cat(self._blocks)]
            self._rough = []
        described = self._blocks[0]
        dtype = torch.bfloat16 if has_bfloat16() else torch.float32
        self._rough = self._rough or [described.to(dtype), (described.square().sum(dim=1) / 2).to(dtype)]
        queries = describe(images)
        rough = queries.to(dtype)
        parts = []
        for block, half_norms in zip(*(part.split(_CHUNK) for part in self._rough), strict=True):
            part = rough[:, :EVEN_WIDTH] @ block[:, :EVEN_WIDTH].T
            # Mirroring negates the odd half: the better of both products is their even part plus the size of the odd.
            part.add_((rough[:, EVEN_WIDTH:] @ block[:, EVEN_WIDTH:].T).abs_())
            parts.append(part.sub_(half_norms))
        closeness = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        leave_out(closeness, exclude, 0)
        rows = closeness.topk(min(_CANDIDATES, len(described)), dim=1).indices
        known = described.index_select(0, rows.flatten()).view(*rows.shape, described.shape[1])
        even = known[..., :EVEN_WIDTH] @ queries[:, :EVEN_WIDTH].unsqueeze(2)
        odd = known[..., EVEN_WIDTH:] @ queries[:, EVEN_WIDTH:].unsqueeze(2)
        exact = queries.square().sum(dim=1, keepdim=True) + known.square().sum(dim=2)
        exact = (exact - 2 * (even + odd.abs()).squeeze(2)).clamp(0, 1)
        if exclude is not None:
            exact = exact.masked_fill(rows == torch.from_numpy(exclude).unsqueeze(1), 1.0)
        least, best = exact.min(dim=1)
        return least.numpy(), rows.gather(1, best.unsqueeze(1)).squeeze(1).numpy()


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
