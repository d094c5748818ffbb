"""A picture of examples whose label is probably wrong, for a human to decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from genaug_data.errors import ConfigError, DataError
from genaug_data.report.tiles import TARGET_HEIGHT, tile
from genaug_data.sample import Sample
from genaug_data.targeting import Suspect

_MARGIN, _LINE, _LETTER = 8, 14, 6
_LONGEST = 24


def draw_suspects(
    suspects: Sequence[Suspect],
    samples: Sequence[Sample],
    path: str | Path,
    *,
    classes: Sequence[str] | None = None,
    most: int = 40,
    columns: int = 8,
    scale: int | None = None,
) -> Path:
    """Write a PNG of suspects, most suspicious first: image, index, label, and the label that is suggested.

    Args:
        suspects: as ``train.suspects()`` returns them.
        samples: ``train.samples``.
        path: of the picture.
        classes: names of the classes; None writes numbers.
        most: suspects shown.
        columns: of the picture.
        scale: screen pixels a pixel of the images; None makes the largest image about 64 pixels high.

    Returns:
        ``path``.

    Raises:
        DataError: there is no suspect to draw.
        ConfigError: ``most`` or ``columns`` is below 1.

    Example:
        >>> import tempfile, torch
        >>> blank = Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3)
        >>> draw_suspects([Suspect(0, 3, 5, 0.9)], [blank], tempfile.mkdtemp() + "/suspects.png").name
        'suspects.png'
    """
    if most < 1 or columns < 1:
        raise ConfigError(f"most and columns must be at least 1, got {most} and {columns}; leave them out")
    shown = list(suspects[:most])
    if not shown:
        raise DataError("there is no suspect to draw (0 found); train for some epochs first, or pass noise=")
    path = Path(path)
    images = [samples[suspect.index] for suspect in shown]
    height, width = (max(sample.image.shape[axis] for sample in images) for axis in (-2, -1))
    scale = scale or max(1, TARGET_HEIGHT // height)
    captions = [_caption(suspect, classes) for suspect in shown]
    widest = max(len(line) for caption in captions for line in caption)
    cell = (max(width * scale, widest * _LETTER) + _MARGIN, height * scale + 2 * _LINE + _MARGIN)
    rows = -(-len(shown) // columns)
    size = (min(columns, len(shown)) * cell[0] + _MARGIN, rows * cell[1] + _MARGIN)
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for place, (sample, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = _MARGIN + place % columns * cell[0], _MARGIN + place // columns * cell[1]
        canvas.paste(tile(sample, scale), (left, top))
        for line, text in enumerate(caption):
            draw.text((left, top + height * scale + 1 + line * _LINE), text, fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)
    return path


def _caption(suspect: Suspect, classes: Sequence[str] | None) -> tuple[str, str]:
    label, suggested = (
        str(number) if classes is None or not 0 <= number < len(classes) else classes[number]
        for number in (suspect.label, suspect.suggested)
    )
    lines = f"#{suspect.index} is {label}", f"or {suggested}?" if suspect.suggested >= 0 else "or not?"
    return _cut(lines[0]), _cut(lines[1])


def _cut(line: str) -> str:
    # A long name must not make every cell of the picture as wide as itself.
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 2]}.."
