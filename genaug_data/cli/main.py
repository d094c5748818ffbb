"""Which subcommand was asked for; each lives in a file of its own and is imported only when it runs."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence

from genaug_data.errors import GenaugError

_BROKEN_PIPE = 141
_COMMANDS = {
    "demo": "hard examples, their variants and an honest comparison, on real digits, without any download",
    "warmup": "fill a cache before training; shows a bar, can be interrupted and rerun",
    "audit": "do synthetic images, made by anyone, copy protected or training images? exit status 3 if so",
    "cache": "look after a cache: stats, list, show, verify, prune, forget, export, import, remake",
    "report": "one HTML file: what a run made, what it rejected and why, what it cost",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``genaug``; returns the exit status: 0 done, 1 an error that is ours to explain, 2 an unknown command.

    Args:
        arguments: of the command line, without the program's name; None for ``sys.argv``.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: genaug COMMAND [--help]\n")
        for name, purpose in _COMMANDS.items():
            print(f"  genaug {name:8} {purpose}")
        return 0
    if arguments[0] == "--version":
        print(f"genaug_data {importlib.metadata.version('genaug_data')}")
        return 0
    if arguments[0] not in _COMMANDS:
        print(f"genaug: no command {arguments[0]!r}; there are {', '.join(_COMMANDS)}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"genaug_data.cli.{arguments[0]}")
    try:
        status = module.run(arguments[1:])
        sys.stdout.flush()
        return status
    except GenaugError as error:
        print(f"genaug {arguments[0]}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who reads has seen enough; what the interpreter still flushes at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # As of a program that the signal ends: what it would have found is not known to be nothing.
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        print(f"\ngenaug {arguments[0]}: interrupted; what was cached stays, run it again to go on", file=sys.stderr)
        return 130
