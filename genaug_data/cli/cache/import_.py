"""``genaug cache import DIR --cache FOLDER``: an export, read back into a cache."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import import_
from genaug_data.cli.cache.base import Command, add_progress


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="of the export, in any format")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the cache; new, or of the same generator")
    parser.add_argument("--max-bytes", type=int, default=None, help="bound of the cache; left out, all are kept")
    add_progress(parser)


def _run(chosen: Namespace) -> int:
    done = import_(chosen.folder, chosen.cache, max_bytes=chosen.max_bytes, progress=chosen.progress)
    print(f"{done.records} variants are in {chosen.cache}")
    if done.forgotten:
        print(f"{done.forgotten} left out: an example that they were made from is forgotten")
    for name, reason in done.damaged:
        print(f"  left out: {name}: {reason}")
    return 1 if done.damaged else 0


IMPORT = Command(
    "import",
    "read an export back into a cache; the exit status is 1 if something was damaged or changed",
    _run,
    _add_arguments,
)
