"""``genaug cache stats|verify|prune FOLDER``: look after a cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import CacheReader, prune, read_manifest, verify

_PURPOSES = {
    "stats": "what is in the cache",
    "verify": "read every record and report the damaged ones; the exit status is 1 if there are any",
    "prune": "drop damaged records, and the oldest ones down to --max-bytes",
}


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="genaug cache", description=__doc__)
    commands = parser.add_subcommands(dest="command")
    for name, purpose in _PURPOSES.items():
        command = ArgumentParser(description=purpose)
        command.add_argument("folder", type=Path, help="of the cache")
        if name != "stats":
            command.add_argument("--progress", type=bool, default=True, help="show a bar")
        if name == "prune":
            command.add_argument("--max-bytes", type=int, default=None, help="new bound; left out, nothing else goes")
        commands.add_subcommand(name, command, help=purpose)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Carry out one command; returns its exit status.

    Args:
        arguments: of the command line, after ``genaug cache``.
    """
    chosen = _parser().parse_args(list(arguments))
    return {"stats": _stats, "verify": _verify, "prune": _prune}[chosen.command](chosen[chosen.command])
