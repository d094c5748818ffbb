"""How benchmarks time two things against each other, and how they say what they found."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], blocks: int) -> tuple[list, list]:
    """Return the seconds of every call of both, run as A B B A, after one call of each that does not count.

    A machine that slows down meanwhile slows both; each place of the one list was timed beside that of the other.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    arms = (ours, theirs)
    ours(), theirs()
    for block in range(blocks):
        for place in (0, 1, 1, 0) if block % 2 == 0 else (1, 0, 0, 1):
            gc.collect()
            started = time.perf_counter()
            arms[place]()
            seconds[place].append(time.perf_counter() - started)
    return seconds


def machine() -> str:
    """Return what the figures were measured on, in a line."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    processor = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())
    versions = f"Python {platform.python_version()}, torch {importlib.metadata.version('torch')}"
    return f"{os.cpu_count()} cores of {processor}, {versions}"


def report(name: str, figures: dict[str, float], header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the machine and a table, then the figures as one last line of JSON."""
    print(machine())
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        print(
            "  ".join(
                cell.ljust(width) if not place else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        )
    rounded = {figure: float(f"{value:.5g}") for figure, value in figures.items()}
    print(json.dumps({"benchmark": name, "figures": rounded}))
