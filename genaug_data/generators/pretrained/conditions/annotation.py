"""The annotation of a parent as an image: mask, boxes or points in the colours of their classes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.sample import Sample
from genaug_data.seeding import derive

_FIRST_COLOURS = ((0, 0, 0), (230, 25, 75), (60, 180, 75), (0, 130, 200), (255, 225, 25), (145, 30, 180))


class DrawnAnnotation:
    """Draws what the variant has to keep to: the pixels of a mask, the outlines of boxes, or points as disks.

    Class ids have colours of their own, which a ControlNet that was trained on another set does not know: pass the
    palette that it was trained with.

    Args:
        palette: colour of each class id, three numbers in 0..255; those that are missing get a colour of their own.
        width: of outlines, and radius of points, in pixels.

    Raises:
        ConfigError: a colour is none, or ``width`` is below 1.

    Example:
        >>> mask = torch.tensor([[0, 1], [1, 0]])
        >>> sample = Sample(torch.zeros(3, 2, 2, dtype=torch.uint8), mask)
        >>> DrawnAnnotation({1: (255, 0, 0)}).image(sample)[0].tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(self, palette: Mapping[int, tuple[int, int, int]] | None = None, *, width: int = 2) -> None:
        for label, colour in (palette or {}).items():
            if len(colour) != 3 or any(not 0 <= part <= 255 for part in colour):
                raise ConfigError(f"the colour of class {label} must be three numbers in 0..255, got {colour}")
        if width < 1:
            raise ConfigError(f"width must be at least 1 pixel, got {width}; 2 is the default")
        self._palette = dict(enumerate(_FIRST_COLOURS)) | dict(palette or {})
        self._width = width

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"DrawnAnnotation({sorted(self._palette.items())}, width={self._width})"

    def colour(self, label: int) -> torch.Tensor:
        """Return the colour of a class id, float ``(3,)`` in [0, 1]."""
        if label not in self._palette:
            mixed = derive(0, "colour", label)
            return torch.tensor([64 + (mixed >> shift) % 192 for shift in (0, 8, 16)]) / 255
        return torch.tensor(self._palette[label]) / 255

    def image(self, parent: Sample) -> torch.Tensor:
        """Return the drawing.

        Raises:
            GeneratorError: the annotation has no place in the image.
        """
        target, size = parent.target, tuple(parent.image.shape[-2:])
        drawing = torch.zeros(3, *size)
        if isinstance(target, torch.Tensor) and tuple(target.shape) == size:
            mask = target.as_subclass(torch.Tensor)
            for label in mask.unique().tolist():
                drawing[:, mask == label] = self.colour(label)[:, None]
            return drawing
        if isinstance(target, torch.Tensor) and target.ndim == 2 and target.shape[1] == 2:
            target = {"points": target, "labels": torch.ones(len(target), dtype=torch.int64)}
        if not isinstance(target, Mapping) or not {"boxes", "points"} & set(target):
            raise GeneratorError(
                f"a drawn annotation needs a mask, boxes or points, got {type(target).__name__}; pass Canny()"
            )
        places = target["boxes"] if "boxes" in target else target["points"]
        labels = target["labels"] if "labels" in target else torch.ones(len(places), dtype=torch.int64)
        draw = self._outline if "boxes" in target else self._disk
        for place, label in zip(places.tolist(), labels.tolist(), strict=True):
            drawing[:, draw(place, size)] = self.colour(label)[:, None]
        return drawing

    def _outline(self, box: list[float], size: tuple[int, ...]) -> torch.Tensor:
        left, top, right, bottom = int(box[0]), int(box[1]), math.ceil(box[2]), math.ceil(box[3])
        outline = torch.zeros(size, dtype=torch.bool)
        outline[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
        edge = self._width
        if right - left > 2 * edge and bottom - top > 2 * edge:
            outline[max(0, top + edge) : max(0, bottom - edge), max(0, left + edge) : max(0, right - edge)] = False
        return outline

    def _disk(self, point: list[float], size: tuple[int, ...]) -> torch.Tensor:
        rows, columns = torch.arange(size[0])[:, None], torch.arange(size[1])[None]
        x, y = point
        # A point lies in the pixel that it falls into, whose centre is half a pixel further.
        return (rows + 0.5 - y) ** 2 + (columns + 0.5 - x) ** 2 <= (self._width + 0.5) ** 2
