"""Charts as inline SVG, in the colours of the page: no script, no picture file, no plotting library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 250, 52, 14, 30, 40
_ROW, _NAME, _LONGEST_NAME = 20, 150, 20
_LETTER, _MOST_POINTS = 7.5, 240


@dataclass(frozen=True, slots=True)
class Series:
    """What one line, colour of bars, or colour of points shows.

    Args:
        name: in the legend.
        points: (x, y) of each; for bars, y alone counts.
        is_dashed: whether the line is dashed: what was asked for, say.
    """

    name: str
    points: Sequence[tuple[float, float]]
    is_dashed: bool = False


def line_chart(series: Sequence[Series], across: str, up: str, *, from_zero: bool = True) -> Markup:
    """Return a chart with one line a series.

    Args:
        series: the first is the most important one; those without points are left out.
        across: what x is.
        up: what y is.
        from_zero: whether the y axis begins at 0.

    Example:
        >>> line_chart([Series("loss", [(0, 2.0), (50, 1.0)])], "step", "loss")[:4]
        Markup('<svg')
    """
    shown = [(place, line) for place, line in enumerate(series) if line.points]
    frame = _Frame([line.points for _, line in shown], from_zero)
    parts = [frame.axes(across, up), _legend([(place, line.name, line.is_dashed) for place, line in shown])]
    for place, line in shown:
        points = _thinned(line.points)
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
        dashed = ' stroke-dasharray="5 4"' if line.is_dashed else ""
        parts.append(f'<polyline class="line c{place}"{dashed} points="{path}"/>')
        if len(points) == 1:
            parts.append(
                f'<circle class="dot c{place}" r="4" cx="{frame.x(points[0][0]):.1f}" '
                f'cy="{frame.y(points[0][1]):.1f}"/>'
            )
    return _svg(_HEIGHT, f"{up} over {across}", parts)


def histogram(values: Sequence[tuple[str, Sequence[float]]], across: str, bins: int = 24) -> Markup:
    """Return a histogram in which each kind of values is stacked on those before it.

    Args:
        values: name and values of each kind, finite; at least one value in all.
        across: what they are.
        bins: columns.

    Example:
        >>> "3" in histogram([("accepted", [0.1, 0.2, 0.2])], "score")
        True
    """
    every = np.concatenate([np.asarray(found, dtype=np.float64) for _, found in values])
    edges = np.linspace(float(every.min()), float(every.max()) or 1.0, bins + 1)
    if edges[0] == edges[-1]:
        edges = np.linspace(edges[0] - 0.5, edges[0] + 0.5, bins + 1)
    counts = [np.histogram(found, edges)[0] for _, found in values]
    top = np.sum(counts, axis=0).max()
    frame = _Frame([[(edges[0], 0), (edges[-1], float(top))]], True)
    parts = [
        frame.axes(across, "variants", whole=True),
        _legend([(p, name, False) for p, (name, _) in enumerate(values)]),
    ]
    base = np.zeros(bins)
    for place, count in enumerate(counts):
        for column in np.flatnonzero(count):
            low, high = frame.y(base[column]), frame.y(base[column] + count[column])
            left, right = frame.x(edges[column]), frame.x(edges[column + 1])
            told = f"{count[column]} {values[place][0]}, {edges[column]:.3g} to {edges[column + 1]:.3g}"
            parts.append(
                f'<rect class="bar c{place}" x="{left + 0.5:.1f}" y="{high:.1f}" '
                f'width="{max(right - left - 1, 1):.1f}" height="{low - high:.1f}">'
                f"<title>{escape(told)}</title></rect>"
            )
        base += count
    return _svg(_HEIGHT, f"histogram of {across}", parts)


def bars(names: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]) -> Markup:
    """Return horizontal bars, one group a name, one bar a series.

    Args:
        names: of the groups; long ones are cut, and shown whole where a pointer rests.
        series: name and one value a group, not negative, of each.

    Example:
        >>> "cat" in bars(["cat", "dog"], [("real", [3, 4]), ("synthetic", [1, 0])])
        True
    """
    top = max((value for _, values in series for value in values), default=0) or 1
    height = _ROW * max(1, len(series)) * 0.62
    parts = [_legend([(place, name, False) for place, (name, _) in enumerate(series)])]
    for row, name in enumerate(names):
        above = _TOP + row * (height + 8)
        cut = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
        parts.append(
            f'<text class="name" x="{_NAME - 8}" y="{above + height / 2 + 4:.1f}" text-anchor="end">{escape(cut)}'
            f"<title>{escape(name)}</title></text>"
        )
        thick = height / len(series)
        for place, (_, values) in enumerate(series):
            width = (_WIDTH - _NAME - 60) * values[row] / top
            y = above + place * thick
            parts.append(
                f'<rect class="bar c{place}" x="{_NAME}" y="{y:.1f}" width="{width:.1f}" height="{thick - 1:.1f}"/>'
                f'<text x="{_NAME + width + 5:.1f}" y="{y + thick / 2 + 4:.1f}">{_number(values[row])}</text>'
            )
    return _svg(_TOP + len(names) * (height + 8) + 6, "bars", parts)


def scatter(series: Sequence[Series]) -> Markup:
    """Return points without axes, as a map of features has none.

    Example:
        >>> scatter([Series("real", [(0.0, 1.0), (2.0, 3.0)])]).count("<circle")
        2
    """
    frame = _Frame([found.points for found in series if found.points], False)
    parts = [_legend([(place, found.name, False) for place, found in enumerate(series)])]
    for place, found in enumerate(series):
        parts += [
            f'<circle class="dot c{place}" r="3" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}"/>' for x, y in found.points
        ]
    return _svg(_HEIGHT + 130, "map", parts)


class _Frame:
    """Where a value lies, and the axes around it."""

    def __init__(self, lines: Sequence[Sequence[tuple[float, float]]], from_zero: bool) -> None:
        across, up = ([point[axis] for line in lines for point in line] or [0.0] for axis in (0, 1))
        self._low, self._high = _widened(min(across), max(across))
        self._bottom, self._top = _widened(min(0.0, *up) if from_zero else min(up), max(up))
        ticks = _ticks(self._bottom, self._top)
        if from_zero and len(ticks) > 1:
            # The highest value lies below a line, not above the last one.
            step = ticks[1] - ticks[0]
            self._top = step * math.ceil(self._top / step - 1e-9)
            ticks = _ticks(self._bottom, self._top)
        self._up_ticks = ticks

    def x(self, value: float) -> float:
        return _LEFT + (value - self._low) / (self._high - self._low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _TOP + (1 - (value - self._bottom) / (self._top - self._bottom)) * (_HEIGHT - _TOP - _BOTTOM)

    def axes(self, across: str, up: str, *, whole: bool = False) -> str:
        parts = []
        for value in self._up_ticks:
            if whole and value != int(value):
                continue
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>')
        for value in _ticks(self._low, self._high):
            told = _number(value)
            # The last one must not be cut at the edge.
            x = min(self.x(value), _WIDTH - _LETTER / 2 * len(told))
            parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{told}</text>')
        middle = _LEFT + (_WIDTH - _LEFT - _RIGHT) / 2
        parts.append(f'<text class="axis" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(across)}</text>')
        parts.append(f'<text class="axis" x="2" y="{_TOP - 16}">{escape(up)}</text>')
        return "".join(parts)


def _svg(height: float, told: str, parts: Sequence[str]) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )


def _legend(names: Sequence[tuple[int, str, bool]]) -> str:
    if len(names) < 2:
        return ""
    parts, right = [], float(_WIDTH - _RIGHT)
    for place, name, is_dashed in reversed(names):
        right -= _LETTER * len(name)
        parts.append(f'<text x="{right:.0f}" y="14">{escape(name)}</text>')
        dashed = ' stroke-dasharray="5 4"' if is_dashed else ""
        parts.append(
            f'<line class="line c{place}"{dashed} x1="{right - 22:.0f}" x2="{right - 5:.0f}" y1="10" y2="10"/>'
        )
        right -= 34
    return "".join(parts)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    if len(points) <= _MOST_POINTS:
        return points
    return [points[place] for place in np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int)]


def _widened(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5 * (low != 0), low + 1.0 if low == 0 else low + 0.5)


def _ticks(low: float, high: float, count: int = 5) -> list[float]:
    rough = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    found = [step * place for place in range(first, math.floor(high / step + 1e-9) + 1)]
    return found or [low]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
