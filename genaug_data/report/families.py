"""A picture of hard parents and the children made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from genaug_data.errors import DataError
from genaug_data.report.tiles import TARGET_HEIGHT, tile
from genaug_data.sample import Sample, class_id

_MARGIN = 4
_HEADER = 16
_TITLE = "variants made from it"


@dataclass(frozen=True, slots=True)
class Family:
    """A real example and the variants made from it.

    Args:
        index: of the real example in the wrapped dataset.
        priority: with which it is asked for children now.
        parent: the real example.
        children: what is in the cache of it.
    """

    index: int
    priority: float
    parent: Sample
    children: tuple[Sample, ...]


def draw_families(families: Sequence[Family], path: str | Path, *, scale: int | None = None, most: int = 5) -> Path:
    """Write a PNG with one row a family: its index and annotation, the real parent, a gap, and its children.

    Args:
        families: images of any sizes; masks are not drawn.
        path: of the picture.
        scale: screen pixels a pixel of the images; None makes the largest image about 64 pixels high.
        most: children shown of each parent.

    Returns:
        ``path``.

    Raises:
        DataError: there is no family to draw.

    Example:
        >>> import tempfile, torch
        >>> blank = Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3)
        >>> draw_families([Family(0, 0.5, blank, (blank,))], tempfile.mkdtemp() + "/families.png").name
        'families.png'
    """
    if not families:
        raise DataError("there is no family to draw, since no variant is cached (0 found); train or warm up first")
    path = Path(path)
    height, width = (max(family.parent.image.shape[axis] for family in families) for axis in (-2, -1))
    scale = scale or max(1, TARGET_HEIGHT // height)
    height, width = height * scale, width * scale
    labels = [_label(family) for family in families]
    most = min(most, max(len(family.children) for family in families))
    names = max(map(len, labels)) * 6 + 3 * _MARGIN
    first_child = names + width + 4 * _MARGIN
    size = (
        first_child + max(most * (width + _MARGIN), 6 * len(_TITLE)) + _MARGIN,
        _HEADER + len(families) * (height + _MARGIN) + _MARGIN,
    )
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((names, 2), "real", fill="black")
    draw.text((first_child, 2), _TITLE, fill="black")
    for row, (label, family) in enumerate(zip(labels, families, strict=True)):
        top = _HEADER + row * (height + _MARGIN)
        draw.text((_MARGIN, top + height // 2 - 6), label, fill="black")
        canvas.paste(tile(family.parent, scale), (names, top))
        for place, child in enumerate(family.children[:most]):
            canvas.paste(tile(child, scale), (first_child + place * (width + _MARGIN), top))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)
    return path


def _label(family: Family) -> str:
    target = family.parent.target
    label = class_id(target)
    match target:
        case int():
            return f"#{family.index}, class {target}"
        case str():
            return f"#{family.index}, {target}"
        case torch.Tensor() if label is not None:
            return f"#{family.index}, class {label} ({float(target[label]):.2f})"
    return f"#{family.index}"
