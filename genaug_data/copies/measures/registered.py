"""The distance of two images after one was laid over the other: sees crops, turns, and copies as a part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from genaug_data.copies.calibration import Tail
from genaug_data.copies.canvas import canvases
from genaug_data.copies.geometry import IDENTITY, SPARSE_VIEWS, grids, look, matrices, tiles, views
from genaug_data.copies.layout import EVEN_WIDTH, WIDTH, layouts
from genaug_data.copies.layout import SIDE as LAYOUT_SIDE
from genaug_data.copies.measures.base import Measure, has_bfloat16
from genaug_data.copies.registration import SIDE, register, smoothed

CANDIDATES = 2
"""Images of the set that are laid over each image: the right one is among them in 98 of 100 crops of CIFAR-10."""

_SHORTLIST = 48
"""Images that are looked at in all views: 99 of 100 crops of CIFAR-10 that are found without it are among them."""

_CANVAS = 32
_LARGEST_CANVAS = 128
_BLOCK = 1 << 20
"""Numbers that are compared at a time, so that they stay in the cache of most processors."""


class Registered(Measure):
    """One minus the correlation of two images, after crop, shift, scale and turn were undone as well as they go.

    Three stages. Layouts of 9 views of each known image (crops) and of tiles of the new one make a shortlist, as is and
    mirrored, by matrix products; those of all 28 views (turns too) find the candidates on it. Registration
    (:func:`genaug_data.copies.registration.register`) then lays each candidate over the image. Without weights, and
    blind to brightness, contrast and mirroring.

    An image of the set takes 6.3 KB (9.4 KB where the processor has no bfloat16 arithmetic).

    Example:
        >>> noise = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(255)
        >>> images = torch.nn.functional.interpolate(noise, (32, 32), mode="bicubic").clamp(0, 255).byte()
        >>> crop = torch.nn.functional.interpolate(images[3:4, :, 4:28, 2:26], (32, 32), mode="bilinear")
        >>> measure = Registered()
        >>> measure.add(list(images))
        >>> distances, rows = measure.nearest([crop[0]])
        >>> rows.tolist(), bool(distances[0] < 0.05)
        ([3], True)
    """

    name = "registered"
    tail: Tail = "log_normal"

    def __init__(self) -> None:
        self._views = matrices(views())
        self._layouts: list[torch.Tensor] = []
        self._sparse: list[torch.Tensor] = []
        self._canvases: list[torch.Tensor] = []
        self._shapes: list[tuple[int, int]] = []
        # Median height and width.
        self._typical: np.ndarray = np.empty(0)
        self._dtype = torch.bfloat16 if has_bfloat16() else torch.float32

    def add(self, images: Sequence[torch.Tensor]) -> None:
        """Describe more images of the set."""
        small = smoothed(canvases(images, _CANVAS))
        self._canvases.append(small.mul(255).round().byte())
        described = layouts(look(small, self._views, LAYOUT_SIDE)).to(self._dtype)
        self._layouts.append(described)
        # Of the views that are compared with every image, one contiguous table each.
        self._sparse.append(described[:, SPARSE_VIEWS].transpose(0, 1).contiguous())
        self._shapes += [(image.shape[1], image.shape[2]) for image in images]

    def nearest(
        self, images: Sequence[torch.Tensor], exclude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find candidates among all images of the set, and register each."""
        if len(self._typical) == 0 or len(self._layouts) > 1:
            self._layouts, self._canvases = [torch.cat(self._layouts)], [torch.cat(self._canvases)]
            self._sparse = [torch.cat(self._sparse, dim=1)]
            self._typical = np.median(self._shapes, axis=0)
        distances = np.ones(len(images), dtype=np.float32)
        rows = np.zeros(len(images), dtype=np.int64)
        groups: dict[tuple[int, int], list[int]] = {}
        for place, image in enumerate(images):
            groups.setdefault((image.shape[1], image.shape[2]), []).append(place)
        for shape, places in groups.items():
            left_out = None if exclude is None else exclude[places]
            found = self._nearest([images[place] for place in places], shape, left_out)
            distances[places], rows[places] = found[0].numpy(), found[1].numpy()
        return distances, rows

    def _nearest(
        self, images: Sequence[torch.Tensor], shape: tuple[int, int], exclude: np.ndarray | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Do it for images of one shape."""
        height, width = self._typical
        frames = [IDENTITY, *tiles(float(height) / shape[0], float(width) / shape[1])]
        # A tile of the canvas is to have as many pixels as a known image's.
        side = min(_LARGEST_CANVAS, round(_CANVAS / min(min(frame[:2]) for frame in frames)))
        canvas = smoothed(canvases(images, side))
        places = matrices(frames)
        queries = layouts(look(canvas, places, LAYOUT_SIDE))
        rows, frame, view, mirrored = self._starts(queries, self._shortlist(queries, exclude))
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

    def _shortlist(self, queries: torch.Tensor, exclude: np.ndarray | None) -> torch.Tensor:
        """Return the rows with the nearest layouts in a few views, int64 ``(N, 64)``, of ``(N, 1 + tiles, 43)``."""
        count, frames = queries.shape[:2]
        views, size = self._sparse[0].shape[:2]
        even, odd = self._sparse[0].split([EVEN_WIDTH, WIDTH - EVEN_WIDTH], dim=2)
        # Some views of the set with the whole image, and the whole of the set with each tile.
        columns = [part.to(self._dtype).permute(1, 2, 0) for part in queries.split([EVEN_WIDTH, WIDTH - EVEN_WIDTH], 2)]
        pairs = [(view, 0) for view in range(views)] + [(0, tile) for tile in range(1, frames)]
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
        self, queries: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the nearest rows in all views ``(N, K)``, and how: frame of the image, view, mirrored ``(N * K,)``."""
        count, listed = rows.shape
        signs = torch.ones(2, WIDTH)
        signs[1, EVEN_WIDTH:] = -1
        both = queries.unsqueeze(1) * signs.view(1, 2, 1, WIDTH)
        both = both.to(self._dtype)
        described = self._layouts[0].index_select(0, rows.flatten()).view(count, -1, WIDTH)
        as_whole = (described @ both[:, :, 0].transpose(1, 2)).view(count, listed, -1, 2).transpose(2, 3)
        known = described.view(count, listed, len(self._views), WIDTH)[:, :, 0]
        as_part = (known @ both[:, :, 1:].flatten(1, 2).transpose(1, 2)).view(count, listed, 2, -1)
        joined = torch.cat([as_whole, as_part], dim=3)
        closeness, best = joined.flatten(2).max(dim=2)
        # Among many tiles, more images come near by chance.
        kept = min(CANDIDATES + (queries.shape[1] - 1) // 8, listed)
        nearest = closeness.topk(kept, dim=1).indices
        best = best.gather(1, nearest).flatten()
        mirrored, place = best // joined.shape[3], best % joined.shape[3]
        part = (place - len(self._views) + 1).clamp(min=0)
        view = torch.where(part > 0, 0, place)
        return rows.gather(1, nearest), part, view, mirrored.bool()


def _through(canvas: torch.Tensor, frames: torch.Tensor, repeats: int) -> torch.Tensor:
    """Return each canvas as seen through ``repeats`` frames of its own, ``(N * repeats, 3, 16, 16)``."""
    count, channels = canvas.shape[:2]
    grid = grids(frames, SIDE).reshape(count, repeats * SIDE, SIDE, 2)
    seen = torch.nn.functional.grid_sample(canvas, grid, padding_mode="border", align_corners=False)
    return seen.view(count, channels, repeats, SIDE, SIDE).transpose(1, 2).flatten(0, 1)
