"""What is known of a cache as a whole: how much it holds, and which gates have judged it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lmdb

from genaug_data.cache.books import Books

_JUDGES = b"judges"


@dataclass(frozen=True, slots=True)
class CacheStats:
    """How much a cache holds.

    Args:
        records: variants.
        bytes: that they take of the bound, in the pages that LMDB uses for them.
        rejected: remembered rejections.
    """

    records: int
    bytes: int
    rejected: int


def stats_of(transaction: lmdb.Transaction, databases: dict[str, Any]) -> CacheStats:
    """Return how much a cache holds, as one transaction sees it."""
    records, rejected = (transaction.stat(databases[name])["entries"] for name in ("index", "rejected"))
    return CacheStats(records, Books(transaction, databases).totals()[0], rejected)


def judges_of(transaction: lmdb.Transaction, databases: dict[str, Any]) -> str | None:
    """Return which gates the variants of a cache have passed, as one transaction sees it."""
    stored = transaction.get(_JUDGES, db=databases["totals"])
    return None if stored is None else bytes(stored).decode(errors="replace")


def write_judges(transaction: lmdb.Transaction, databases: dict[str, Any], judges: str) -> None:
    """Note which gates every variant of a cache has passed."""
    transaction.put(_JUDGES, judges.encode(), db=databases["totals"])
