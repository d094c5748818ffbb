"""A picture of curves: a panel a degradation, a line a metric, each as a share of its largest value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Drawn at twice its size and halved, so that lines are smooth.
_SCALE = 2
_WIDE, _HIGH, _GAP, _LEFT, _TOP, _TITLE, _BELOW = 200, 150, 42, 44, 40, 26, 62
_INK, _GRID = "#333333", "#dddddd"
_COLOURS = ("#c2255c", "#33669e", "#2b8a3e", "#e8890c")


class Panel(NamedTuple):
    """What one panel shows.

    Args:
        title: above it.
        unit: of the strengths.
        strengths: along the axis, at equal distances.
        metrics: name to one row of values a seed, as many as strengths.
    """

    title: str
    unit: str
    strengths: Sequence[float]
    metrics: Mapping[str, Sequence[Sequence[float]]]


def draw_curves(rows: Sequence[Sequence[Panel]], title: str, path: Path, largest: float | None = None) -> None:
    """Write a PNG with one row of panels for each of ``rows``, and a legend beside each row.

    Args:
        rows: of panels.
        title: of the picture.
        path: of the picture.
        largest: the value at the top of every panel; None is the largest of each line.
    """
    columns = max(map(len, rows)) + 1
    width = _LEFT + columns * (_WIDE + _GAP)
    height = _TOP + len(rows) * (_TITLE + _HIGH + _BELOW)
    canvas = Image.new("RGB", (_SCALE * width, _SCALE * height), "white")
    draw = ImageDraw.Draw(canvas)
    _text(draw, (12, 10), title, 16)
    for line, panels in enumerate(rows):
        top = _TOP + line * (_TITLE + _HIGH + _BELOW) + _TITLE
        left = _LEFT + len(panels) * (_WIDE + _GAP)
        names = dict.fromkeys(name for panel in panels for name in panel.metrics)
        colours = dict(zip(names, _COLOURS, strict=False))
        for column, panel in enumerate(panels):
            _panel(draw, _LEFT + column * (_WIDE + _GAP), top, panel, colours, largest)
        for place, (name, colour) in enumerate(colours.items()):
            y = top + 14 + 22 * place
            draw.line(_scaled(left, y, left + 26, y), fill=colour, width=2 * _SCALE)
            _text(draw, (left + 34, y), name.replace("_", " "), 13, anchor="lm")
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.resize((width, height), Image.Resampling.LANCZOS).save(path, optimize=True)


def _panel(
    draw: ImageDraw.ImageDraw, left: int, top: int, panel: Panel, colours: Mapping[str, str], largest: float | None
) -> None:
    _text(draw, (left + _WIDE / 2, top - 20), panel.title, 13, anchor="ma")
    across = [left + _WIDE * place / (len(panel.strengths) - 1) for place in range(len(panel.strengths))]
    for x, strength in zip(across, panel.strengths, strict=True):
        draw.line(_scaled(x, top, x, top + _HIGH), fill=_GRID, width=_SCALE)
        _text(draw, (x, top + _HIGH + 5), f"{strength:g}", 11, anchor="ma")
    for share in (0.0, 0.5, 1.0):
        y = top + _HIGH * (1 - share)
        draw.line(_scaled(left, y, left + _WIDE, y), fill=_INK if share == 0 else _GRID, width=_SCALE)
        _text(draw, (left - 5, y), f"{share:g}", 11, anchor="rm")
    _text(draw, (left + _WIDE / 2, top + _HIGH + 22), panel.unit, 12, anchor="ma")
    for name, runs in panel.metrics.items():
        values = np.array(runs)
        means, spreads = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
        highest = largest or float((means + spreads).max()) or 1.0
        points = [(x, top + _HIGH * (1 - mean / highest)) for x, mean in zip(across, means, strict=True)]
        draw.line(
            [coordinate for point in points for coordinate in _scaled(*point)], fill=colours[name], width=2 * _SCALE
        )
        for (x, y), spread in zip(points, spreads, strict=True):
            reach = _HIGH * spread / highest
            draw.line(_scaled(x, y - reach, x, y + reach), fill=colours[name], width=_SCALE)
            draw.ellipse(_scaled(x - 3, y - 3, x + 3, y + 3), fill=colours[name])


def _scaled(*values: float) -> list[float]:
    return [_SCALE * value for value in values]


def _text(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, anchor: str = "la") -> None:
    font = ImageFont.load_default(_SCALE * size)
    draw.text(_scaled(*place), text, fill=_INK, font=font, anchor=anchor)
