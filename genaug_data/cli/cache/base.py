"""What a command that looks after a cache is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace


@dataclass(frozen=True, slots=True)
class Command:
    """One of ``genaug cache``.

    Args:
        name: on the command line.
        purpose: shown by ``--help``.
        run: carries it out and returns the exit status: 0 done, 1 something is wrong that it has printed.
        add_arguments: that it takes.
    """

    name: str
    purpose: str
    run: Callable[[Namespace], int]
    add_arguments: Callable[[ArgumentParser], None]


def add_folder(parser: ArgumentParser) -> None:
    """Take the folder of a cache."""
    parser.add_argument("folder", type=Path, help="of the cache")


def add_progress(parser: ArgumentParser) -> None:
    """Take whether to show a bar."""
    parser.add_argument("--progress", type=bool, default=True, help="show a bar")
