"""A picture of paired gains: a row an arm, a dot a seed, a bar for the interval of the mean."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.results import interval

# Drawn at twice its size and halved, so that lines are smooth.
_SCALE = 2
_LEFT, _WIDE, _RIGHT, _ROW, _TOP, _PANEL = 390, 470, 150, 26, 44, 58
_GOOD, _BAD, _UNSURE, _INK, _GRID, _SEED = "#2b8a3e", "#c92a2a", "#33669e", "#333333", "#dddddd", "#adb5bd"

Panels = Mapping[str, tuple[str, Mapping[str, Sequence[float]]]]


def draw_gains(panels: Panels, title: str, path: Path) -> None:
    """Write a PNG with one panel a problem.

    Args:
        panels: title to the name of the baseline, and the gains over it of each arm, one a seed, in points of accuracy.
        title: of the picture.
        path: of the picture.
    """
    height = _TOP + sum(_PANEL + _ROW * len(arms) for _, arms in panels.values()) + 10
    canvas = Image.new("RGB", (_SCALE * (_LEFT + _WIDE + _RIGHT), _SCALE * height), "white")
    draw = ImageDraw.Draw(canvas)
    _text(draw, (12, 12), title, 17)
    top = _TOP
    for name, (baseline, arms) in panels.items():
        _panel(draw, top, f"{name}: gain over {baseline}", arms)
        top += _PANEL + _ROW * len(arms)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.resize((canvas.width // _SCALE, height), Image.Resampling.LANCZOS).save(path, optimize=True)


def _panel(draw: ImageDraw.ImageDraw, top: int, title: str, arms: Mapping[str, Sequence[float]]) -> None:
    ends = [value for gains in arms.values() for value in (*gains, *interval(gains))]
    low, high = min(0.0, *ends), max(0.0, *ends)
    step = next(size for size in (0.2, 0.5, 1, 2, 5, 10, 20, 50) if (high - low) / size <= 8 or size == 50)
    low, high = step * (low // step), step * -(-high // step) or step
    bottom = top + 24 + _ROW * len(arms)

    def across(value: float) -> float:
        return _LEFT + _WIDE * (value - low) / (high - low)

    _text(draw, (12, top + 2), title, 14)
    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        colour = _INK if abs(value) < step / 2 else _GRID
        draw.line(_scaled(across(value), top + 24, across(value), bottom), fill=colour, width=_SCALE)
        _text(draw, (across(value), bottom + 3), f"{value:+g}" if abs(value) > step / 2 else "0", 11, anchor="ma")
    for place, (name, gains) in enumerate(arms.items()):
        y = top + 24 + _ROW * (place + 0.5)
        mean, (first, last) = statistics.mean(gains), interval(gains)
        colour = _GOOD if first > 0 else _BAD if last < 0 else _UNSURE
        _text(draw, (_LEFT - 10, y), name, 13, anchor="rm")
        for gain in gains:
            draw.ellipse(_disc(across(gain), y, 2.5), fill=_SEED)
        draw.line(_scaled(across(first), y, across(last), y), fill=colour, width=3 * _SCALE)
        draw.ellipse(_disc(across(mean), y, 5), fill=colour)
        _text(draw, (_LEFT + _WIDE + 12, y), f"{mean:+.1f} ({first:+.1f} to {last:+.1f})", 12, anchor="lm")


def _disc(x: float, y: float, radius: float) -> list[float]:
    return _scaled(x - radius, y - radius, x + radius, y + radius)


def _scaled(*values: float) -> list[float]:
    return [_SCALE * value for value in values]


def _text(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, anchor: str = "la") -> None:
    font = ImageFont.load_default(_SCALE * size)
    draw.text(_scaled(*place), text, fill=_INK, font=font, anchor=anchor)
