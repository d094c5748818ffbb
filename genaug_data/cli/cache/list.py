"""``genaug cache list FOLDER``: every variant, a line each."""

from __future__ import annotations

from jsonargparse import Namespace

from genaug_data.cache import CacheReader, manifest_of
from genaug_data.cli.cache.base import Command, add_folder


def _run(chosen: Namespace) -> int:
    manifest_of(chosen.folder)
    with CacheReader(chosen.folder) as reader:
        reader.check_readable()
        for entry in reader.entries():
            print(f"{entry.key.hex()}  parent {entry.parent:<8} variant {entry.variant:<4} {entry.nbytes} bytes")
    return 0


LIST = Command("list", "key, parent, number and bytes of every variant, oldest first", _run, add_folder)
