"""A picture of what policies choose: wrong labels to the right, hard and rightly labelled examples upwards."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

# Drawn at twice its size and halved, so that lines are smooth.
_SCALE = 2
_SIDE, _GAP, _LEFT, _TOP, _BOTTOM, _LEGEND = 380, 56, 64, 64, 60, 190
_LOW, _HIGH = (0.25, 0.0), (8.0, 3.0)
_ACROSS, _UP = (0.25, 0.5, 0.75, 1, 2, 4, 8), (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
_COLOURS = (
    "#4269d0",
    "#a463f2",
    "#ff725c",
    "#2a8f9c",
    "#b5850b",
    "#97bbf5",
    "#9c6b4e",
    "#e377a2",
    "#7a7f85",
    "#5b3fa0",
)
_GOAL, _DEFAULT, _INK, _GRID = "#e3f4e3", "#111111", "#333333", "#dddddd"


class Point(NamedTuple):
    """What one policy reaches: both lifts, and their standard deviations over the seeds."""

    name: str
    noise: float
    hard: float
    noise_spread: float
    hard_spread: float


Panels = Mapping[str, tuple[Sequence[Point], tuple[float, float]]]


def draw_panels(panels: Panels, default: str, path: Path) -> None:
    """Write a PNG with one panel a noise rate: a numbered point a policy, bars for the spread, the goal shaded.

    Args:
        panels: title to its points, in the same order in all, and the goal: at most this noise, at least so much hard.
        default: name of the policy that is drawn black.
        path: of the picture.
    """
    width = _LEFT + len(panels) * (_SIDE + _GAP) + _LEGEND
    canvas = Image.new("RGB", (_SCALE * width, _SCALE * (_TOP + _SIDE + _BOTTOM)), "white")
    draw = ImageDraw.Draw(canvas)
    _text(draw, (_LEFT, 10), "What the tenth with the highest priority holds, as a multiple of its share of all", 17)
    names: list[str] = []
    for place, (title, (points, goal)) in enumerate(panels.items()):
        left = _LEFT + place * (_SIDE + _GAP)
        _frame(draw, left, title, goal)
        names = [point.name for point in points]
        # The default is drawn last, so that nothing hides it.
        for number in sorted(range(len(points)), key=lambda number: names[number] == default):
            _point(draw, left, points[number], number, _colour(number, names[number], default))
    _text(draw, (6, _TOP - 22), "hard, label right", 13)
    _legend(draw, width - _LEGEND + 4, names, default)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.resize((width, canvas.height // _SCALE), Image.Resampling.LANCZOS).save(path, optimize=True)


def _frame(draw: ImageDraw.ImageDraw, left: int, title: str, goal: tuple[float, float]) -> None:
    corner = _place(left, *goal)
    draw.rectangle(_scaled(left, _TOP, *corner), fill=_GOAL)
    _text(draw, (left + 6, _TOP + 4), "goal", 13)
    for value in _ACROSS:
        x, _ = _place(left, value, 0)
        draw.line(_scaled(x, _TOP, x, _TOP + _SIDE), fill=_INK if value == 1 else _GRID, width=_SCALE)
        _text(draw, (x, _TOP + _SIDE + 6), f"{value:g}", 12, anchor="ma")
    for value in _UP:
        _, y = _place(left, 1, value)
        draw.line(_scaled(left, y, left + _SIDE, y), fill=_INK if value == 1 else _GRID, width=_SCALE)
        _text(draw, (left - 6, y), f"{value:g}", 12, anchor="rm")
    draw.rectangle(_scaled(left, _TOP, left + _SIDE, _TOP + _SIDE), outline=_INK, width=_SCALE)
    _text(draw, (left + _SIDE / 2, _TOP - 22), title, 15, anchor="ma")
    _text(draw, (left + _SIDE / 2, _TOP + _SIDE + 26), "mislabelled", 13, anchor="ma")


def _point(draw: ImageDraw.ImageDraw, left: int, point: Point, number: int, colour: str) -> None:
    x, y = _place(left, point.noise, point.hard)
    low, high = (_place(left, point.noise + sign * point.noise_spread, point.hard)[0] for sign in (-1, 1))
    bottom, top = (_place(left, point.noise, point.hard + sign * point.hard_spread)[1] for sign in (-1, 1))
    draw.line(_scaled(low, y, high, y), fill=colour, width=_SCALE)
    draw.line(_scaled(x, bottom, x, top), fill=colour, width=_SCALE)
    _disc(draw, x, y, number, colour)


def _legend(draw: ImageDraw.ImageDraw, left: int, names: Sequence[str], default: str) -> None:
    for number, name in enumerate(names):
        y = _TOP + 12 + number * 23
        _disc(draw, left, y, number, _colour(number, name, default))
        _text(draw, (left + 16, y), f"{name} (default)" if name == default else name, 14, anchor="lm")


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, number: int, colour: str) -> None:
    draw.ellipse(_scaled(x - 9, y - 9, x + 9, y + 9), fill=colour, outline="white", width=_SCALE)
    _text(draw, (x, y), str(number + 1), 11, anchor="mm", fill="white")


def _place(left: int, noise: float, hard: float) -> tuple[float, float]:
    """Return where a value lies; noise on a logarithmic axis, since it is a ratio, and both kept within the frame."""
    noise, hard = (min(max(v, low), high) for v, low, high in zip((noise, hard), _LOW, _HIGH, strict=True))
    across = math.log(noise / _LOW[0]) / math.log(_HIGH[0] / _LOW[0])
    return left + across * _SIDE, _TOP + _SIDE * (1 - (hard - _LOW[1]) / (_HIGH[1] - _LOW[1]))


def _colour(number: int, name: str, default: str) -> str:
    return _DEFAULT if name == default else _COLOURS[number % len(_COLOURS)]


def _scaled(*values: float) -> list[float]:
    return [_SCALE * value for value in values]


def _text(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, anchor: str = "la", fill: str = _INK
) -> None:
    font = ImageFont.load_default(_SCALE * size)
    draw.text(_scaled(*place), text, fill=fill, font=font, anchor=anchor)
