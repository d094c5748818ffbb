"""A set of images described by what parts of them show, and the search for the one that registers best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.copies.canvas import canvases
from genaug_data.copies.geometry import IDENTITY, SPARSE_VIEWS, Frame, grids, look, matrices, views
from genaug_data.copies.layout import EVEN_WIDTH, WIDTH, layouts
from genaug_data.copies.layout import SIDE as LAYOUT_SIDE
from genaug_data.copies.registration import SIDE, register, smoothed

CANDIDATES = 2
"""Images of the set that are laid over each image: the right one is among them in 98 of 100 crops of CIFAR-10."""

_SHORTLIST = 48
"""Images that are looked at in all views: 99 of 100 crops of CIFAR-10 that are found without it are among them."""

_CANVAS = 32
_LARGEST_CANVAS = 128
_BLOCK = 1 << 20
"""Numbers that are compared at a time, so that they stay in the cache of most processors."""


class ViewIndex:
    """Layouts of 28 views of each image of a set (crops and turns), and the image itself, small.

    The search has three stages. Layouts of 9 of the views make a shortlist, as is and mirrored, by matrix products;
    those of all views find the candidates on it. Registration (:func:`genaug_data.copies.registration.register`) then
    lays each candidate over the image.

    An image of the set takes 6.3 KB (9.4 KB where the processor has no bfloat16 arithmetic).

    Args:
        dtype: of the layouts.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._views = matrices(views())
        self._layouts: list[torch.Tensor] = []
        self._sparse: list[torch.Tensor] = []
        self._canvases: list[torch.Tensor] = []
        self._shapes: list[tuple[int, int]] = []
        self._typical: tuple[float, float] | None = None
        self._dtype = dtype

    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Describe more images of the set, uint8 ``(C, H, W)`` of any mixture of shapes."""
        small = smoothed(canvases(images, _CANVAS))
        self._canvases.append(small.mul(255).round().byte())
        described = layouts(look(small, self._views, LAYOUT_SIDE)).to(self._dtype)
        self._layouts.append(described)
        # Of the views that are compared with every image, one contiguous table each.
        self._sparse.append(described[:, SPARSE_VIEWS].transpose(0, 1).contiguous())
        self._shapes += [(image.shape[1], image.shape[2]) for image in images]
        self._typical = None

    @property
    def typical(self) -> tuple[float, float]:
        """Median height and width of the images."""
        if self._typical is None:
            height, width = np.median(self._shapes, axis=0)
            self._typical = float(height), float(width)
        return self._typical

    def as_whole(self, images: Sequence[torch.Tensor], exclude: np.ndarray | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Find the image of the set of which each image as a whole is a view.

        Args:
            images: N of one shape.
            exclude: int64 ``(N,)``, for each image a row that does not count; -1 for none.

        Returns:
            The distances, float32 ``(N,)`` in [0, 1], and the rows, int64 ``(N,)``.
        """
        return self._nearest(images, exclude, [IDENTITY], list(range(len(SPARSE_VIEWS))), len(self._views))

    def as_part(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None, tiles: Sequence[Frame]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find the image of the set that is, as a whole, what one of the tiles of each image shows.

        Args:
            images: N of one shape.
            exclude: int64 ``(N,)``, for each image a row that does not count; -1 for none.
            tiles: at least one frame.

        Returns:
            As :meth:`as_whole`.
        """
        return self._nearest(images, exclude, tiles, [0], 1)

    def _nearest(
        self,
        images: Sequence[torch.Tensor],
        exclude: np.ndarray | None,
        frames: Sequence[Frame],
        sparse: Sequence[int],
        views: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find candidates by the frames of the images and the first ``views`` of the set, and register each."""
        if len(self._layouts) > 1:
            self._layouts, self._canvases = [torch.cat(self._layouts)], [torch.cat(self._canvases)]
            self._sparse = [torch.cat(self._sparse, dim=1)]
        # A frame of the canvas is to have as many pixels as a known image's.
        side = min(_LARGEST_CANVAS, round(_CANVAS / min(min(frame[:2]) for frame in frames)))
        canvas = smoothed(canvases(images, side))
        places = matrices(list(frames))
        queries = layouts(look(canvas, places, LAYOUT_SIDE))
        listed = self._shortlist(queries, exclude, sparse)
        rows, frame, view, mirrored = self._starts(queries, listed, views)
        known = self._canvases[0].index_select(0, rows.flatten()).float().div_(255)
        # What a mirrored image shows on its right is what the view shows on its left.
        start = self._views[view] * torch.where(mirrored.unsqueeze(1), torch.tensor([-1.0, 1.0, 1.0]), 1.0).unsqueeze(1)
        seen = _through(canvas, places[frame], rows.shape[1])
        distances = register(seen, known, start).view_as(rows)
        # Candidates that were left out have no layout near.
        if exclude is not None:
            distances = distances.masked_fill(rows == torch.from_numpy(exclude).unsqueeze(1), 1.0)
        least, best = distances.min(dim=1)
        return least, rows.gather(1, best.unsqueeze(1)).squeeze(1)

    def _shortlist(self, queries: torch.Tensor, exclude: np.ndarray | None, sparse: Sequence[int]) -> torch.Tensor:
        """Return the rows with the nearest layouts in a few views, int64 ``(N, 48)``, of ``(N, frames, 43)``."""
        count, frames = queries.shape[:2]
        size = self._sparse[0].shape[1]
        even, odd = self._sparse[0].split([EVEN_WIDTH, WIDTH - EVEN_WIDTH], dim=2)
        columns = [part.to(self._dtype).permute(1, 2, 0) for part in queries.split([EVEN_WIDTH, WIDTH - EVEN_WIDTH], 2)]
        pairs = [(view, frame) for view in sparse for frame in range(frames)]
        closeness = torch.empty(size, count, dtype=self._dtype)
        step = max(1, _BLOCK // count)
        spare = torch.empty(2, min(step, size), count, dtype=self._dtype)
        for first in range(0, size, step):
            best = closeness[first : first + step]
            for number, (view, frame) in enumerate(pairs):
                found = spare[0, : len(best)] if number else best
                torch.mm(even[view, first : first + step], columns[0][frame], out=found)
                turned = torch.mm(odd[view, first : first + step], columns[1][frame], out=spare[1, : len(best)])
                # Mirroring negates the odd part: the better of both is the even part plus the size of the odd.
                found.add_(turned.abs_())
                if number:
                    torch.maximum(best, found, out=best)
        if exclude is not None:
            places = np.flatnonzero(exclude >= 0)
            closeness[torch.from_numpy(exclude[places]), torch.from_numpy(places)] = -torch.inf
        return closeness.T.contiguous().topk(min(_SHORTLIST, size), dim=1, sorted=False).indices

    def _starts(
        self, queries: torch.Tensor, rows: torch.Tensor, views: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the nearest rows in all views ``(N, K)``, and how: frame of the image, view, mirrored ``(N * K,)``."""
        count, listed = rows.shape
        frames = queries.shape[1]
        signs = torch.ones(2, WIDTH)
        signs[1, EVEN_WIDTH:] = -1
        both = (queries.unsqueeze(1) * signs.view(1, 2, 1, WIDTH)).to(self._dtype).flatten(1, 2)
        described = self._layouts[0].index_select(0, rows.flatten())[:, :views].reshape(count, listed * views, WIDTH)
        products = (described @ both.transpose(1, 2)).view(count, listed, views * 2 * frames)
        closeness, best = products.max(dim=2)
        # Among many frames, more images come near by chance.
        kept = min(CANDIDATES + (frames - 1) // 8, listed)
        nearest = closeness.topk(kept, dim=1).indices
        best = best.gather(1, nearest).flatten()
        view, mirrored, frame = best // (2 * frames), best // frames % 2, best % frames
        return rows.gather(1, nearest), frame, view, mirrored.bool()


def _through(canvas: torch.Tensor, frames: torch.Tensor, repeats: int) -> torch.Tensor:
    """Return each canvas as seen through ``repeats`` frames of its own, ``(N * repeats, 3, 16, 16)``."""
    count, channels = canvas.shape[:2]
    grid = grids(frames, SIDE).reshape(count, repeats * SIDE, SIDE, 2)
    seen = torch.nn.functional.grid_sample(canvas, grid, padding_mode="border", align_corners=False)
    return seen.view(count, channels, repeats, SIDE, SIDE).transpose(1, 2).flatten(0, 1)
