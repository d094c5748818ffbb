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
        return parser.parse_args(_spelled(parser, arguments))
    except (ArgumentError, OSError) as error:
        raise ConfigError(f"{' '.join(str(error).split())}; see {parser.prog} --help") from error


def _spelled(parser: ArgumentParser, arguments: Sequence[str]) -> list[str]:
    """Return the arguments with options as they are called: those of classes have ``_``, our own ``-``; both are taken.

    Example:
        >>> parser = new_parser("x", None)
        >>> action = parser.add_argument("--max_bytes", type=int)
        >>> parse(parser, ["--max-bytes=3"]).max_bytes
        3
    """
    known = _options(parser)
    spelled: list[str] = []
    for place, argument in enumerate(arguments):
        if argument == "--":
            return [*spelled, *arguments[place:]]
        name, equals, value = argument.partition("=")
        others = {"--" + name[2:].replace(*pair) for pair in (("-", "_"), ("_", "-"))}
        found = others & known if name.startswith("--") and name not in known else set()
        spelled.append(f"{found.pop()}{equals}{value}" if len(found) == 1 else argument)
    return spelled


def _options(parser: ArgumentParser) -> set[str]:
    options: set[str] = set()
    for action in parser._actions:
        options.update(action.option_strings)
        inner = action.choices.values() if isinstance(action.choices, dict) else ()
        for one in inner:
            if isinstance(one, ArgumentParser):
                options |= _options(one)
    return options


def at_least_one(chosen: Any, *names: str) -> None:
    """Check that numbers are at least 1.

    Raises:
        ConfigError: one is not.
    """
    for name in names:
        if chosen[name] < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, got {chosen[name]}")
