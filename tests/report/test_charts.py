from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from genaug_data.report.charts import Series, bars, histogram, line_chart, scatter

HOSTILE = "<script>&\"'"


def parts(svg: str, name: str) -> list[dict[str, str]]:
    """Return the attributes of all elements of a name; fails on what is no XML."""
    return [element.attrib for element in ElementTree.fromstring(svg).iter() if element.tag == name]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def inside(svg: str) -> bool:
    """Return whether every number of a place is within the drawing."""
    width, height = map(float, ElementTree.fromstring(svg).attrib["viewBox"].split()[2:])
    points = [point.split(",") for line in parts(svg, "polyline") for point in line["points"].split()]
    points += [(circle["cx"], circle["cy"]) for circle in parts(svg, "circle")]
    points += [(float(r["x"]) + float(r["width"]), float(r["y"]) + float(r["height"])) for r in parts(svg, "rect")]
    return all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)


def test_a_line_goes_where_its_values_are() -> None:
    svg = line_chart([Series("a", [(0, 0.0), (50, 1.0), (100, 4.0)])], "step", "loss")
    (line,) = parts(svg, "polyline")
    (x0, y0), (x1, y1), (x2, y2) = [tuple(map(float, point.split(","))) for point in line["points"].split()]
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert y0 - y1 == pytest.approx((y0 - y2) / 4, abs=0.2)
    # Axes begin at 0 and end on a line of the grid.
    assert {"0", "1", "2", "3", "4", "20", "100"} <= set(texts(svg))
    assert y0 == max(float(grid["y1"]) for grid in parts(svg, "line") if grid["class"] == "grid")


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0.0)],
        [(5, 3.0)],
        [(5, 3.0), (6, 3.0)],
        [(0, 0.0), (1, 0.0)],
        [(0, -2.0), (1, -1.0)],
        [(1e9, 1e-9), (2e9, 3e-9)],
        [(0, 1e12), (1, 1.0)],
    ],
)
@pytest.mark.parametrize("from_zero", [False, True])
def test_any_values_are_drawn_inside(points: list[tuple[float, float]], from_zero: bool) -> None:
    svg = line_chart([Series("a", points)], "step", "loss", from_zero=from_zero)
    assert inside(svg)
    assert "nan" not in svg
    assert len(parts(svg, "polyline")) == 1


def test_a_long_line_is_thinned_and_keeps_its_ends() -> None:
    points = [(float(step), float(step % 7)) for step in range(10_000)]
    whole, thin = (line_chart([Series("a", found)], "", "") for found in (points[:: len(points) - 1], points))
    (ends,), (line,) = parts(whole, "polyline"), parts(thin, "polyline")
    assert len(line["points"].split()) == 240
    assert line["points"].split()[0].split(",")[0] == ends["points"].split()[0].split(",")[0]
    assert line["points"].split()[-1].split(",")[0] == ends["points"].split()[-1].split(",")[0]


def test_colours_stay_with_their_series_where_one_is_empty() -> None:
    svg = line_chart([Series("a", []), Series("b", [(0, 1.0)]), Series("c", [(0, 2.0)])], "", "")
    assert [line["class"] for line in parts(svg, "polyline")] == ["line c1", "line c2"]
    assert "a" not in texts(svg)


def test_a_histogram_counts_every_value_once() -> None:
    random = np.random.default_rng(0)
    accepted, rejected = random.random(500).tolist(), (random.random(80) / 5).tolist()
    svg = histogram([("accepted", accepted), ("rejected", rejected)], "score", bins=10)
    titles = [element.text for element in ElementTree.fromstring(svg).iter("title")]
    counts = {
        name: [int(re.match(r"\d+", title)[0]) for title in titles if name in title]
        for name in ("accepted", "rejected")
    }
    assert sum(counts["accepted"]) == 500
    assert sum(counts["rejected"]) == 80
    low, high = min(accepted + rejected), max(accepted + rejected)
    expected = [0] * 10
    for value in accepted:
        expected[min(9, int(10 * (value - low) / (high - low)))] += 1
    assert counts["accepted"] == expected
    assert inside(svg)


@pytest.mark.parametrize("values", [[0.0], [0.3, 0.3], [1.0] * 5, [0.0, 1.0]])
def test_histograms_of_few_values_are_drawn(values: list[float]) -> None:
    svg = histogram([("accepted", values)], "score")
    assert inside(svg)
    assert "nan" not in svg


def test_bars_are_as_long_as_their_values() -> None:
    svg = bars(["cat", "x" * 50], [("real", [10.0, 5.0]), ("variants", [0.0, 20.0])])
    widths = [float(bar["width"]) for bar in parts(svg, "rect")]
    assert widths == pytest.approx([widths[3] / 2, 0, widths[3] / 4, widths[3]], abs=0.2)
    assert inside(svg)
    assert max(map(len, texts(svg))) <= 20
    assert "x" * 50 in [element.text for element in ElementTree.fromstring(svg).iter("title")]


def test_names_are_text() -> None:
    for svg in (
        line_chart([Series(HOSTILE, [(0, 1.0)]), Series("b", [(0, 1.0)])], HOSTILE, HOSTILE),
        histogram([(HOSTILE, [0.1]), ("b", [0.2])], HOSTILE),
        bars([HOSTILE], [("a", [1.0])]),
        scatter([Series(HOSTILE, [(0.0, 0.0)]), Series("b", [(1.0, 1.0)])]),
    ):
        assert "<script" not in svg
        assert any(HOSTILE in text for text in texts(svg))
