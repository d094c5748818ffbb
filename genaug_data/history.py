"""How a run went over time, in files beside its cache: bounded, sound after a crash, and never in training's way."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genaug_data.tensor_file import write_json

FOLDER = "history"
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]+-[0-9]+\.jsonl")
_KEPT_RUNS = 8
_MOST_LINES = 1000
_MOST_BYTES = 1 << 22
_numbers = itertools.count()


class HistoryWriter:
    """Appends a line of figures to a file that nobody else writes, and keeps a summary beside it.

    A file has at most 1000 lines of some 700 bytes: where one would be too many, every second line goes, and from then
    on only every second, fourth, ... note is kept. The newest 8 runs of a folder stay. A line is written in one call: a
    process that is killed leaves at most half a line behind, which :func:`read_history` leaves out.

    Args:
        folder: of the histories; made at the first note.
        settings: what the run was told, as JSON; with ``resumed_at``, its first step, where it goes on from another.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> writer = HistoryWriter(folder, {"ratio": 0.25})
        >>> writer.note({"step": 50.0, "accepted": 12.0})
        >>> writer.close()
        >>> read_history(folder).rows
        [{'step': 50.0, 'accepted': 12.0}]
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{next(_numbers):06}.jsonl"
        self._first = json.dumps({"settings": settings})
        self._lines: list[str] = []
        self._descriptor: int | None = None
        self._is_begun = False
        self._notes = 0
        self._stride = 1

    @property
    def is_gone(self) -> bool:
        """Whether the file was there once, and was deleted or moved since."""
        return self._is_begun and not self._path.exists()

    @property
    def is_due(self) -> bool:
        """Whether the next note will be kept; the caller need not work out figures for one that will not."""
        return self._notes % self._stride == 0

    def skip(self) -> None:
        """Count a note that is not due."""
        self._notes += 1

    def note(self, figures: Mapping[str, float]) -> None:
        """Keep a line of figures; those that are not finite are left out.

        Raises:
            OSError: it cannot be written, or was deleted meanwhile.
        """
        self._check_there()
        self._notes += 1
        finite = {name: _short(value) for name, value in figures.items() if math.isfinite(value)}
        line = json.dumps(finite, separators=(",", ":"))
        if self._lines and self._lines[-1] == line:
            return
        self._lines.append(line)
        if len(self._lines) > _MOST_LINES:
            self._thin()
            return
        if self._descriptor is None:
            self._descriptor = self._opened()
        os.write(self._descriptor, (line + "\n").encode())

    def summarise(self, summary: Mapping[str, Any]) -> None:
        """Write, in place of an earlier one, what is known at the end, or up to now.

        Raises:
            OSError: the history was deleted meanwhile.
            SaveError: it cannot be written.
        """
        self._check_there()
        if self._is_begun:
            write_json(self._path.with_suffix(".json"), summary)

    def close(self) -> None:
        """Close the file: idempotent; the next note opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _check_there(self) -> None:
        # Written through an open descriptor, lines of a deleted file would go nowhere, and a summary would stand alone.
        if self.is_gone:
            raise FileNotFoundError(f"{self._path.name} is not there any more")

    def _opened(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._path, flags, 0o644)
        if not self._is_begun:
            self._is_begun = True
            others = [path for path in _runs(self._path.parent) if path != self._path]
            for old in others[: 1 - _KEPT_RUNS]:
                for path in (old, old.with_suffix(".json")):
                    with suppress(OSError):
                        path.unlink()
            os.write(descriptor, (self._first + "\n").encode())
        return descriptor

    def _thin(self) -> None:
        self._lines = self._lines[::2]
        self._stride *= 2
        draft = self._path.with_name(f".{self._path.name}")
        draft.write_text("\n".join([self._first, *self._lines]) + "\n")
        self.close()
        draft.replace(self._path)


@dataclass
class History:
    """What is known of a run's course.

    Args:
        settings: what the run was told.
        rows: figures at its refreshes, in order; a run that was resumed has those of its earlier parts before its own.
        summary: what was known last: hardest examples, suspects, classes, sentences said.
        damaged: lines that could not be read.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    damaged: int = 0

    def column(self, name: str) -> list[tuple[float, float]]:
        """Return (step, value) wherever a figure is known."""
        return [(row["step"], row[name]) for row in self.rows if "step" in row and name in row]


def read_history(folder: Path) -> History | None:
    """Return the history of the newest run in a folder, with what it was resumed from; None where there is none.

    Nothing in the files can do more than be left out.

    Args:
        folder: ``history`` of a cache.
    """
    parts = [part for path in _runs(folder) if (part := _read(path)) is not None]
    if not parts:
        return None
    found = parts[-1]
    for earlier in reversed(parts[:-1]):
        first = found.rows[0].get("step", 0.0) if found.rows else 0.0
        before = [row for row in earlier.rows if row.get("step", math.inf) < first]
        if not found.settings.get("resumed_at") or not before:
            break
        found.rows = before + found.rows
        found.damaged += earlier.damaged
        found.settings["resumed_at"] = earlier.settings.get("resumed_at")
    return found


def _runs(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return []


def _read(path: Path) -> History | None:
    found = History()
    lines = _content(path).splitlines()
    if not lines:
        return None
    first = _object(lines[0])
    settings = first.get("settings") if first else None
    found.settings = settings if isinstance(settings, dict) else {}
    for line in lines[1:]:
        row = _object(line)
        if row is None or not all(type(value) in (int, float) and math.isfinite(value) for value in row.values()):
            found.damaged += 1
        else:
            found.rows.append({name: float(value) for name, value in row.items()})
    found.summary = _object(_content(path.with_suffix(".json"))) or {}
    return found


def _content(path: Path) -> str:
    with suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stored:
                return stored.read(_MOST_BYTES).decode(errors="replace")
    return ""


def _object(text: str) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    return None


def _short(value: float) -> float:
    return float(f"{value:.6g}") if isinstance(value, float) and abs(value) < 1e5 else round(value, 3)
