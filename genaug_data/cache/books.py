"""What the writer notes beside the records: which there are, in what order they came, and how much they take."""

from __future__ import annotations

import struct
from typing import Any

import lmdb
import xxhash

from genaug_data.cache.decoding import Decoder

INDEX = struct.Struct("<qiqQ")
"""Parent, variant, bytes, and the number in the order of writing."""
_TOTALS = struct.Struct("<qQ")
_PAGE = 4096


def footprint(record: Any) -> int:
    """Return what LMDB really uses for a record, with its share of the books: whole pages where it is a large one."""
    stored = len(record) + 16
    return 256 + (-(-stored // _PAGE) * _PAGE if stored > _PAGE // 2 else stored)


class Books:
    """The databases ``index``, ``order`` and ``totals`` in one transaction.

    Args:
        transaction: that reads or writes them.
        databases: by name.
    """

    def __init__(self, transaction: lmdb.Transaction, databases: dict[str, Any]) -> None:
        self._transaction = transaction
        self._databases = databases

    def totals(self) -> tuple[int, int]:
        """Return the bytes of all records, and the number that the next one gets in the order of writing."""
        stored = self._transaction.get(b"totals", db=self._databases["totals"])
        if stored is None or len(stored) != _TOTALS.size + 8:
            return 0, 0
        packed, digest = bytes(stored[: _TOTALS.size]), bytes(stored[_TOTALS.size :])
        return _TOTALS.unpack(packed) if xxhash.xxh3_64_digest(packed) == digest else (0, 0)

    def set_totals(self, total: int, sequence: int) -> None:
        """Note what :meth:`totals` returns."""
        packed = _TOTALS.pack(total, sequence)
        self._transaction.put(b"totals", packed + xxhash.xxh3_64_digest(packed), db=self._databases["totals"])

    def oldest(self) -> bytes | None:
        """Return the key of the oldest record."""
        cursor = self._transaction.cursor(db=self._databases["order"])
        return bytes(cursor.value()) if cursor.first() else None

    def enter(self, key: bytes, parent: int, variant: int, size: int, sequence: int) -> None:
        """Note a record."""
        entry = INDEX.pack(parent, variant, size, sequence)
        self._transaction.put(key, entry, db=self._databases["index"])
        self._transaction.put(sequence.to_bytes(8, "big"), key, db=self._databases["order"])

    def drop(self, key: bytes) -> int:
        """Remove a record and what is noted of it; returns the bytes that it took, 0 where there was none."""
        entry = self._transaction.get(key, db=self._databases["index"])
        if entry is None:
            return 0
        _, _, size, sequence = INDEX.unpack(entry)
        self._transaction.delete(key, db=self._databases["records"])
        self._transaction.delete(key, db=self._databases["index"])
        self._transaction.delete(sequence.to_bytes(8, "big"), db=self._databases["order"])
        return size

    def agree(self) -> bool:
        """Return whether the books are what the records say: read through without a look at any image."""
        cursor = self._transaction.cursor
        stored = {bytes(key): footprint(record) for key, record in cursor(db=self._databases["records"])}
        rows = {bytes(key): bytes(row) for key, row in cursor(db=self._databases["index"])}
        if stored.keys() != rows.keys() or any(len(row) != INDEX.size for row in rows.values()):
            return False
        entries = {key: INDEX.unpack(row) for key, row in rows.items()}
        order = [(int.from_bytes(place, "big"), bytes(key)) for place, key in cursor(db=self._databases["order"])]
        total, following = self.totals()
        return (
            order == sorted((sequence, key) for key, (_, _, _, sequence) in entries.items())
            and all(size == stored[key] for key, (_, _, size, _) in entries.items())
            and total == sum(stored.values())
            and all(sequence < following for sequence, _ in order)
        )

    def write_anew(self) -> int:
        """Write the books from the records alone, in the order of their making; returns how many damaged ones go."""
        decoder = Decoder()
        found, damaged = [], []
        for key, record in self._transaction.cursor(db=self._databases["records"]):
            made = decoder.provenance(bytes(key), record)
            if made is None:
                damaged.append(bytes(key))
            else:
                found.append((made.created, bytes(key), made.parent, made.variant, footprint(record)))
        for name in ("index", "order"):
            self._transaction.drop(self._databases[name], delete=False)
        for key in damaged:
            self._transaction.delete(key, db=self._databases["records"])
        for sequence, (_, key, parent, variant, size) in enumerate(sorted(found)):
            self.enter(key, parent, variant, size, sequence)
        self.set_totals(sum(size for *_, size in found), len(found))
        return len(damaged)
