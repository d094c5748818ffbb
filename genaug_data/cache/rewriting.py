"""A database written anew from what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lmdb

_BYTES_A_COMMIT = 1 << 26


def rewrite(source: lmdb.Environment, databases: Mapping[str, Any], folder: str) -> None:
    """Put every entry of an environment into a new one, whose file holds no byte of any other.

    LMDB's own compacting copy leaves out free pages, but takes those in use as they are, with what once stood in the
    gaps between their entries.

    Args:
        source: to read from.
        databases: of ``source``, by name.
        folder: empty; gets ``data.mdb``.
    """
    size = source.info()["map_size"]
    target = lmdb.open(folder, map_size=size, max_dbs=len(databases), lock=False, sync=False)
    try:
        with source.begin(buffers=True) as reading:
            for name, database in databases.items():
                _copy(reading.cursor(db=database), target, target.open_db(name.encode()))
        target.sync(True)
    finally:
        target.close()


def _copy(entries: lmdb.Cursor, target: lmdb.Environment, database: Any) -> None:
    left = entries.first()
    while left:
        written = 0
        with target.begin(write=True) as writing:
            while left and written < _BYTES_A_COMMIT:
                key, value = entries.item()
                # In order, so that pages are filled one after the other.
                writing.put(key, value, db=database, append=True)
                written += len(value)
                left = entries.next()
