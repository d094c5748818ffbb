"""Command lines that are wrong end with one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from genaug_data.errors import ConfigError


def new_parser(command: str, description: str | None) -> ArgumentParser:
    """Return a parser for ``genaug COMMAND`` whose errors are raised."""
    plain = None if description is None else description.replace("``", "")  # docstrings mark code
    return ArgumentParser(prog=f"genaug {command}", description=plain, exit_on_error=False)


def parse(parser: ArgumentParser, arguments: Sequence[str]) -> Namespace:
    """Return the parsed command line.

    Raises:
        ConfigError: it is wrong; the sentence says what is, and where help is.
    """
    try:
        return parser.parse_args(list(arguments))
    except (ArgumentError, OSError) as error:
        raise ConfigError(f"{' '.join(str(error).split())}; see {parser.prog} --help") from error


def at_least_one(chosen: Any, *names: str) -> None:
    """Check that numbers are at least 1.

    Raises:
        ConfigError: one is not.
    """
    for name in names:
        if chosen[name] < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, got {chosen[name]}")
