"""``genaug cache prune FOLDER``: drop damaged records, and the oldest ones down to a bound."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import prune
from genaug_data.cli.cache.base import Command, add_folder, add_progress


def _add_arguments(parser: ArgumentParser) -> None:
    add_folder(parser)
    add_progress(parser)
    parser.add_argument("--max-bytes", type=int, default=None, help="new bound; left out, nothing else goes")


def _run(chosen: Namespace) -> int:
    print(f"{prune(chosen.folder, max_bytes=chosen.max_bytes, progress=chosen.progress)} records removed")
    return 0


PRUNE = Command("prune", "drop damaged records, and the oldest ones down to --max-bytes", _run, _add_arguments)
