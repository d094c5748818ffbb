"""``genaug cache stats FOLDER``: what is in a cache."""

from __future__ import annotations

from collections import Counter

from jsonargparse import Namespace

from genaug_data.cache import CacheReader, manifest_of
from genaug_data.cli.cache.base import Command, add_folder


def _run(chosen: Namespace) -> int:
    manifest = manifest_of(chosen.folder)
    with CacheReader(chosen.folder) as reader:
        reader.check_readable()
        stored, entries, rejections = reader.stats(), reader.entries(), list(reader.rejections())
    children = Counter(entry.parent for entry in entries)
    print(f"generator         {manifest.fingerprint}")
    print(f"variants          {stored.records}, made from {len(children)} examples")
    print(f"bytes             {stored.bytes:,}")
    print(f"rejected          {stored.rejected}")
    for gate, count in Counter(made.verdicts[-1].gate for _, made in rejections if made.verdicts).most_common():
        print(f"  by {gate:14} {count}")
    return 0


STATS = Command("stats", "what is in the cache", _run, add_folder)
