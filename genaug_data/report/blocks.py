"""What a section of the report is made of; the template knows how each looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with a line below it.

    Args:
        uri: data URI; empty where the image is not there.
        caption: plain text.
    """

    uri: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a warning stands out."""

    text: str
    is_warning: bool = False
    kind: ClassVar[str] = "text"


@dataclass(frozen=True, slots=True)
class Tile:
    """One number that matters.

    Args:
        label: what it is.
        value: as it is shown.
        note: what it is compared with.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Numbers side by side."""

    tiles: Sequence[Tile]
    kind: ClassVar[str] = "tiles"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain text; every column but the first is set to the right where it holds numbers.

    Args:
        header: of the columns.
        rows: as many cells each.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of :mod:`genaug_data.report.charts` with a line above it."""

    title: str
    svg: Markup
    kind: ClassVar[str] = "chart"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A real example beside what belongs to it.

    Args:
        title: in bold.
        real: the example.
        others: what is compared with it.
        note: a sentence or two.
    """

    title: str
    real: Picture | None
    others: Sequence[Picture] = field(default=())
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Comparisons one below the other, or side by side where each is small.

    Args:
        title: above them.
        rows: the comparisons.
        are_small: whether each has a single other picture, or none.
    """

    title: str
    rows: Sequence[Comparison]
    are_small: bool = False
    kind: ClassVar[str] = "comparisons"


Block: TypeAlias = Text | Tiles | Table | Chart | Comparisons
