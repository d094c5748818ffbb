"""What is remembered of a rejected variant: its provenance, behind a checksum."""

from __future__ import annotations

import xxhash

from genaug_data.sample import Provenance

_DIGEST = 8


def pack_rejection(made: Provenance) -> bytes:
    """Return the bytes of a rejection.

    Example:
        >>> from genaug_data.sample import Recipe
        >>> made = Provenance(3, "ab", 0, "f", Recipe(), 1, (), 0.5)
        >>> unpack_rejection(pack_rejection(made)) == made
        True
    """
    text = made.to_json().encode()
    return xxhash.xxh3_64_digest(text) + text


def unpack_rejection(row: bytes) -> Provenance | None:
    """Return the provenance that :func:`pack_rejection` was given, None if it is not what was written."""
    if xxhash.xxh3_64_digest(row[_DIGEST:]) != row[:_DIGEST]:
        return None
    try:
        return Provenance.from_json(row[_DIGEST:].decode())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # A checksum is no signature.
        return None
