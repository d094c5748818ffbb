"""``genaug cache stats|list|verify|prune FOLDER``, ``genaug cache remake KEY``: look after a cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import CacheReader, prune, read_manifest, verify
from genaug_data.cli.parsing import new_parser, parse
from genaug_data.errors import CacheError

_PURPOSES = {
    "stats": "what is in the cache",
    "list": "key, parent, number and bytes of every variant, oldest first",
    "verify": "read every record and report the damaged ones; the exit status is 1 if there are any",
    "prune": "drop damaged records, and the oldest ones down to --max-bytes",
}


def _parser() -> ArgumentParser:
    parser = new_parser("cache", __doc__)
    commands = parser.add_subcommands(dest="command")
    for name, purpose in _PURPOSES.items():
        command = new_parser(f"cache {name}", purpose)
        command.add_argument("folder", type=Path, help="of the cache")
        if name in ("verify", "prune"):
            command.add_argument("--progress", type=bool, default=True, help="show a bar")
        if name == "prune":
            command.add_argument("--max-bytes", type=int, default=None, help="new bound; left out, nothing else goes")
        commands.add_subcommand(name, command, help=purpose)
    parser.epilog = "genaug cache remake KEY --config run.yaml makes a variant again and says whether it is equal"
    return parser


def _stats(chosen: Namespace) -> int:
    manifest = read_manifest(chosen.folder)
    if manifest is None:
        raise CacheError(f"there is no cache in {chosen.folder}; pass the folder that was given as cache=")
    with CacheReader(chosen.folder) as reader:
        stored, entries, rejections = reader.stats(), reader.entries(), list(reader.rejections())
    children = Counter(entry.parent for entry in entries)
    print(f"generator         {manifest.fingerprint}")
    print(f"variants          {stored.records}, made from {len(children)} examples")
    print(f"bytes             {stored.bytes:,}")
    print(f"rejected          {stored.rejected}")
    for gate, count in Counter(made.verdicts[-1].gate for _, made in rejections if made.verdicts).most_common():
        print(f"  by {gate:14} {count}")
    return 0


def _list(chosen: Namespace) -> int:
    if read_manifest(chosen.folder) is None:
        raise CacheError(f"there is no cache in {chosen.folder}; pass the folder that was given as cache=")
    with CacheReader(chosen.folder) as reader:
        for entry in reader.entries():
            print(f"{entry.key.hex()}  parent {entry.parent:<8} variant {entry.variant:<4} {entry.nbytes} bytes")
    return 0


def _verify(chosen: Namespace) -> int:
    found = verify(chosen.folder, progress=chosen.progress)
    print(f"{found.records} records, {len(found.damaged)} damaged")
    for key in found.damaged:
        print(f"  damaged: {key.hex()}")
    return 1 if found.damaged else 0


def _prune(chosen: Namespace) -> int:
    print(f"{prune(chosen.folder, max_bytes=chosen.max_bytes, progress=chosen.progress)} records removed")
    return 0


_COMMANDS = {"stats": _stats, "list": _list, "verify": _verify, "prune": _prune}


def run(arguments: Sequence[str]) -> int:
    """Carry out one command; returns its exit status.

    Args:
        arguments: of the command line, after ``genaug cache``.
    """
    if arguments and arguments[0] == "remake":
        # It takes a configuration, and imports what that needs.
        from genaug_data.cli.remake import run as remake

        return remake(arguments[1:])
    chosen = parse(_parser(), arguments)
    return _COMMANDS[chosen.command](chosen[chosen.command])
