"""Which command was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from jsonargparse import ArgumentParser

from genaug_data.cli.cache.export import EXPORT
from genaug_data.cli.cache.forget import FORGET
from genaug_data.cli.cache.import_ import IMPORT
from genaug_data.cli.cache.list import LIST
from genaug_data.cli.cache.prune import PRUNE
from genaug_data.cli.cache.show import SHOW
from genaug_data.cli.cache.stats import STATS
from genaug_data.cli.cache.verify import VERIFY
from genaug_data.cli.parsing import new_parser, parse

_COMMANDS = {command.name: command for command in (STATS, LIST, SHOW, VERIFY, PRUNE, FORGET, EXPORT, IMPORT)}


def _parser() -> ArgumentParser:
    parser = new_parser("cache", "Look after a cache.")
    commands = parser.add_subcommands(dest="command")
    for command in _COMMANDS.values():
        own = new_parser(f"cache {command.name}", command.purpose)
        command.add_arguments(own)
        commands.add_subcommand(command.name, own, help=command.purpose)
    parser.epilog = "genaug cache remake KEY --config run.yaml makes a variant again and says whether it is equal"
    return parser


def run(arguments: Sequence[str]) -> int:
    """Carry out one command; returns its exit status.

    Args:
        arguments: of the command line, after ``genaug cache``.
    """
    if arguments and arguments[0] == "remake":
        # It takes a configuration, and imports what that needs.
        from genaug_data.cli.cache.remake import run as remake

        return remake(arguments[1:])
    chosen = parse(_parser(), arguments)
    return _COMMANDS[chosen.command].run(chosen[chosen.command])
