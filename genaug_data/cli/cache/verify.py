"""``genaug cache verify FOLDER``: read every record and report the damaged ones."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import verify
from genaug_data.cli.cache.base import Command, add_folder, add_progress


def _add_arguments(parser: ArgumentParser) -> None:
    add_folder(parser)
    add_progress(parser)


def _run(chosen: Namespace) -> int:
    found = verify(chosen.folder, progress=chosen.progress)
    print(f"{found.records} records, {len(found.damaged)} damaged")
    for key in found.damaged:
        print(f"  damaged: {key.hex()}")
    return 1 if found.damaged else 0


VERIFY = Command(
    "verify",
    "read every record and report the damaged ones; the exit status is 1 if there are any",
    _run,
    _add_arguments,
)
