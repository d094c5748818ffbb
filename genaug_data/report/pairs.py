"""A picture of synthetic images beside the real ones that they are like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from genaug_data.errors import DataError
from genaug_data.sample import Sample

_SIDE, _MARGIN, _LINE = 96, 8, 14


def draw_pairs(
    pairs: Sequence[tuple[Sample, Sample, str]],
    path: str | Path,
    *,
    sides: tuple[str, str] = ("synthetic", "protected"),
    columns: int = 5,
) -> Path:
    """Write a PNG of pairs of images, with a caption below.

    Args:
        pairs: left image, right image, caption; images of any sizes.
        path: of the picture.
        sides: what the left and the right images are.
        columns: of pairs.

    Returns:
        ``path``.

    Raises:
        DataError: there is no pair.

    Example:
        >>> import tempfile, torch
        >>> blank = Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3)
        >>> draw_pairs([(blank, blank, "#0")], tempfile.mkdtemp() + "/pairs.png").name
        'pairs.png'
    """
    if not pairs:
        raise DataError("there is no pair to draw (0 found)")
    columns = min(columns, len(pairs))
    width, height = 2 * _SIDE + 2 + _MARGIN, _SIDE + _LINE + _MARGIN
    rows = -(-len(pairs) // columns)
    canvas = Image.new("RGB", (columns * width + _MARGIN, rows * height + _LINE + _MARGIN), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((_MARGIN, 2), f"left {sides[0]}, right {sides[1]}", fill="black")
    for place, (synthetic, other, caption) in enumerate(pairs):
        left, top = _MARGIN + place % columns * width, _LINE + _MARGIN + place // columns * height
        for side, sample in enumerate((synthetic, other)):
            canvas.paste(_fitted(sample), (left + side * (_SIDE + 2), top))
        draw.text((left, top + _SIDE), caption[: width // 6], fill="black")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)
    return path


def _fitted(sample: Sample) -> Image.Image:
    image = sample.image[:3] if len(sample.image) > 2 else sample.image[:1].expand(3, -1, -1)
    found = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    scale = _SIDE / max(found.size)
    size = (max(1, round(found.width * scale)), max(1, round(found.height * scale)))
    return found.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
