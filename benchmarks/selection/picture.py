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
_LOW, _HIGH = (1 / 32, 0.0), (8.0, 3.0)
_ACROSS, _UP = (0.0625, 0.125, 0.25, 0.5, 0.75, 1, 2, 4, 8), (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
_DOT, _LABEL = 4, 9
_GOAL, _DEFAULT, _OTHER, _INK, _GRID = "#e3f4e3", "#c2255c", "#33669e", "#333333", "#dddddd"


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
        default: name of the policy whose colour is another.
        path: of the picture.
    """
    width = _LEFT + len(panels) * (_SIDE + _GAP) + _LEGEND
    canvas = Image.new("RGB", (_SCALE * width, _SCALE * (_TOP + _SIDE + _BOTTOM)), "white")
    draw = ImageDraw.Draw(canvas)
    _text(
        draw,
        (_LEFT, 10),
        "What the tenth of highest priority holds, as a multiple of its share of all; bars: deviation over seeds",
        17,
    )
    _text(draw, (6, _TOP - 22), "hard, label right", 13)
    for place, (title, (points, goal)) in enumerate(panels.items()):
        left = _LEFT + place * (_SIDE + _GAP)
        _frame(draw, left, title, goal)
        colours = [_DEFAULT if point.name == default else _OTHER for point in points]
        for point, colour in zip(points, colours, strict=True):
            _dot(draw, left, point, colour)
        dots = [_place(left, point.noise, point.hard) for point in points]
        for number, (dot, label) in enumerate(zip(dots, _labels(left, dots), strict=True)):
            draw.line(_scaled(*dot, *label), fill=colours[number], width=_SCALE)
            _disc(draw, label, number, colours[number])
    for number, point in enumerate(next(iter(panels.values()))[0]):
        y = _TOP + 12 + number * 23
        _disc(draw, (width - _LEGEND + 4, y), number, _DEFAULT if point.name == default else _OTHER)
        name = f"{point.name} (default)" if point.name == default else point.name
        _text(draw, (width - _LEGEND + 20, y), name, 14, anchor="lm")
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


def _dot(draw: ImageDraw.ImageDraw, left: int, point: Point, colour: str) -> None:
    x, y = _place(left, point.noise, point.hard)
    low, high = (_place(left, point.noise + sign * point.noise_spread, point.hard)[0] for sign in (-1, 1))
    bottom, top = (_place(left, point.noise, point.hard + sign * point.hard_spread)[1] for sign in (-1, 1))
    draw.line(_scaled(low, y, high, y), fill=colour, width=_SCALE)
    draw.line(_scaled(x, bottom, x, top), fill=colour, width=_SCALE)
    draw.ellipse(_scaled(x - _DOT, y - _DOT, x + _DOT, y + _DOT), fill=colour, outline="white", width=_SCALE)


def _labels(left: int, dots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a place for the number of each dot: the nearest that is inside the frame and covers no dot or number."""
    found: list[tuple[float, float]] = []
    for x, y in dots:
        tried = (
            (x + radius * math.cos(math.pi * (turn - 3) / 12), y + radius * math.sin(math.pi * (turn - 3) / 12))
            for radius in range(_DOT + _LABEL + 3, _SIDE, 4)
            for turn in range(24)
        )
        found.append(
            next(
                place
                for place in tried
                if left + _LABEL < place[0] < left + _SIDE - _LABEL
                and _TOP + _LABEL < place[1] < _TOP + _SIDE - _LABEL
                and all(math.dist(place, other) > 2 * _LABEL + 2 for other in found)
                and all(math.dist(place, dot) > _LABEL + _DOT + 2 for dot in dots)
            )
        )
    return found


def _disc(draw: ImageDraw.ImageDraw, place: tuple[float, float], number: int, colour: str) -> None:
    x, y = place
    draw.ellipse(_scaled(x - _LABEL, y - _LABEL, x + _LABEL, y + _LABEL), fill="white", outline=colour, width=_SCALE)
    _text(draw, place, str(number + 1), 11, anchor="mm", fill=colour)


def _place(left: int, noise: float, hard: float) -> tuple[float, float]:
    """Return where a value lies; noise on a logarithmic axis, since it is a ratio, and both kept within the frame."""
    noise, hard = (min(max(v, low), high) for v, low, high in zip((noise, hard), _LOW, _HIGH, strict=True))
    across = math.log(noise / _LOW[0]) / math.log(_HIGH[0] / _LOW[0])
    return left + across * _SIDE, _TOP + _SIDE * (1 - (hard - _LOW[1]) / (_HIGH[1] - _LOW[1]))


def _scaled(*values: float) -> list[float]:
    return [_SCALE * value for value in values]


def _text(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, anchor: str = "la", fill: str = _INK
) -> None:
    font = ImageFont.load_default(_SCALE * size)
    draw.text(_scaled(*place), text, fill=fill, font=font, anchor=anchor)
