"""What is measured of a mask without any network: classes, where they lie, and how ragged their outlines are."""

from __future__ import annotations

import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.features import Features


class ClassPixels:
    """How many pixels each class has: masks int64 ``(N, H, W)`` to float64 ``(N, classes)``.

    Args:
        classes: number of classes, whose ids are 0 to ``classes - 1``.
        ignore_index: id of pixels that belong to no class; may be negative.

    Raises:
        ConfigError: there are fewer than two classes, or the ignore index is one of them.

    Example:
        >>> ClassPixels(3)(torch.tensor([[[0, 2], [2, 255]]])).tolist()
        [[1.0, 0.0, 2.0]]
    """

    def __init__(self, classes: int, *, ignore_index: int = 255) -> None:
        if not isinstance(classes, int) or classes < 2:
            raise ConfigError(
                f"classes must be a whole number from 2 on, got {classes!r}; pass how many classes masks tell apart"
            )
        if 0 <= ignore_index < classes:
            raise ConfigError(
                f"ignore_index must be none of the {classes} class ids from 0 on, got {ignore_index}; pass another"
            )
        self.classes = classes
        self.ignore_index = ignore_index

    def __call__(self, masks: torch.Tensor) -> torch.Tensor:
        """Return the counts.

        Raises:
            DataError: a mask holds an id that is neither a class nor the ignore index.
        """
        places = torch.zeros((), dtype=torch.int64)
        return self.count(masks, self.valid(masks), places, 1).reshape(len(masks), self.classes)

    def valid(self, masks: torch.Tensor) -> torch.Tensor:
        """Return where a pixel belongs to a class, bool; every other one must be the ignore index."""
        valid = (masks >= 0) & (masks < self.classes)
        strange = masks[~valid & (masks != self.ignore_index)]
        if strange.numel():
            raise DataError(
                f"class ids of a mask must be in [0, {self.classes}) or the ignore index, {self.ignore_index}, "
                f"found {int(strange[0])}: pass classes= and ignore_index= as the masks have them"
            )
        return valid

    def count(self, ids: torch.Tensor, wanted: torch.Tensor, cells: torch.Tensor, count: int) -> torch.Tensor:
        """Return how often each class occurs where ``wanted``, in each cell of each mask, ``(N, count, classes)``."""
        size = (len(ids), count, self.classes)
        number = torch.arange(len(ids)).view(-1, 1, 1)
        flat = ((number * count + cells) * self.classes + ids)[wanted]
        return torch.bincount(flat, minlength=len(ids) * count * self.classes).double().reshape(size)


class MaskLayout:
    """Where each class lies, and how ragged it is: masks int64 ``(N, H, W)`` to ``(N, classes (grid^2 + 1))``.

    For each cell of a grid of ``grid x grid`` equal parts and each class, the share of the cell's pixels; for each
    class, the share of pairs of neighbouring pixels of which exactly one is of the class: the length of its outline.
    The shares see which classes there are and where, the outlines see speckles and smoothed shapes, which hardly move
    the shares. Features are the square roots of all of these, in [0, 1] for masks of any size: squared distances are
    then those of Hellinger, in which a rare class counts; without them, 1 % of speckles is not seen (CamVid).

    Args:
        classes: number of classes, whose ids are 0 to ``classes - 1``.
        grid: cells along each side.
        ignore_index: id of pixels that belong to no class; pairs with one of them do not count.

    Raises:
        ConfigError: as :class:`ClassPixels`, or ``grid`` is below 1.

    Example:
        >>> MaskLayout(2, grid=1)(torch.tensor([[[0, 0], [0, 1]]])).tolist()
        [[0.8660254037844386, 0.5, 0.7071067811865476, 0.7071067811865476]]
    """

    def __init__(self, classes: int, *, grid: int = 4, ignore_index: int = 255) -> None:
        if grid < 1:
            raise ConfigError(f"grid must be at least 1, got {grid}; 4 is the default")
        self._pixels = ClassPixels(classes, ignore_index=ignore_index)
        self.grid = grid

    def __call__(self, masks: torch.Tensor) -> torch.Tensor:
        """Return the features, float64.

        Raises:
            DataError: a mask holds an id that is neither a class nor the ignore index.
        """
        return torch.cat([self._shares(masks).flatten(1), self._outlines(masks)], 1).sqrt()

    def _shares(self, masks: torch.Tensor) -> torch.Tensor:
        height, width = masks.shape[1:]
        down, across = (torch.arange(side) * self.grid // side for side in (height, width))
        cells = down[:, None] * self.grid + across
        count = self.grid**2
        areas = torch.bincount(cells.flatten(), minlength=count).clamp(min=1)
        return self._pixels.count(masks, self._pixels.valid(masks), cells, count) / areas[:, None]

    def _outlines(self, masks: torch.Tensor) -> torch.Tensor:
        crossings: torch.Tensor | float = 0.0
        pairs = torch.zeros(len(masks))
        place = torch.zeros((), dtype=torch.int64)
        valid = self._pixels.valid(masks)
        for axis in (1, 2):
            length = masks.shape[axis] - 1
            one, other = masks.narrow(axis, 0, length), masks.narrow(axis, 1, length)
            both = valid.narrow(axis, 0, length) & valid.narrow(axis, 1, length)
            differ = both & (one != other)
            pairs += both.sum((1, 2))
            for side in (one, other):
                crossings = crossings + self._pixels.count(side, differ, place, 1)
        return torch.as_tensor(crossings).squeeze(1) / pairs.clamp(min=1)[:, None]


class Rendered:
    """Masks drawn in the colours of PASCAL VOC, and seen by features of images.

    Args:
        features: from uint8 images ``(N, 3, H, W)`` to floats ``(N, D)``.

    Example:
        >>> Rendered(lambda images: images.flatten(1).float())(torch.tensor([[[1]]])).tolist()
        [[128.0, 0.0, 0.0]]
    """

    def __init__(self, features: Features) -> None:
        self._features = features
        self._colours = torch.tensor([_colour(number) for number in range(256)], dtype=torch.uint8)

    def __call__(self, masks: torch.Tensor) -> torch.Tensor:
        """Return the features of the drawings of masks, int64 ``(N, H, W)``, ids modulo 256."""
        return self._features(self._colours[masks % 256].permute(0, 3, 1, 2).contiguous())


def _colour(number: int) -> tuple[int, ...]:
    # The bits of the id are dealt to red, green and blue in turn, the lowest to the highest place.
    return tuple(
        sum((number >> (3 * place + channel) & 1) << (7 - place) for place in range(8)) for channel in range(3)
    )
