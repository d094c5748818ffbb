"""Beside the variants: journals that name them by key, and summaries of runs that name their parents by index."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from genaug_data.tensor_file import write_json

_OF_EXAMPLES = ("hardest", "suspects")


def delete_journals(folder: Path, keys: Collection[bytes]) -> list[Path]:
    """Delete the journals of a cache that name one of ``keys``, and return them: these runs can be replayed no more.

    Args:
        folder: of the cache.
        keys: of variants, 16 bytes each, as a journal has them.
    """
    found = []
    for path in _files(folder / "journals", ".journal"):
        content = path.read_bytes()
        if any(key in content for key in keys):
            path.unlink()
            found.append(path)
    return found


def clean_summaries(folder: Path, parents: Collection[int]) -> None:
    """Take the rows of real examples, with their labels and losses, out of what earlier runs have noted.

    A file that cannot be read goes: nobody could tell whom it names.

    Args:
        folder: of the cache.
        parents: indices of the examples.
    """
    for path in _files(folder / "history", ".json"):
        try:
            summary = json.loads(path.read_text())
            kept = {
                name: [row for row in summary[name] if row["index"] not in parents]
                for name in _OF_EXAMPLES
                if name in summary
            }
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            path.unlink()
            continue
        if any(len(rows) < len(summary[name]) for name, rows in kept.items()):
            write_json(path, summary | kept)


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in sorted(folder.iterdir()):
            if path.suffix == suffix and path.is_file() and not path.is_symlink():
                yield path
