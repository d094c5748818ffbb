"""A line of the manifest of an export: one variant, whole, and sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from genaug_data.errors import DataError

MANIFEST = "manifest.jsonl"
"""Name of the file in every export."""


def sealed(fields: Mapping[str, Any]) -> str:
    """Return a line of JSON that tells whether it was changed.

    Example:
        >>> unsealed(sealed({"key": "00"}))
        {'key': '00'}
    """
    return json.dumps({**fields, "digest": _digest(fields)})


def unsealed(line: str | bytes) -> dict[str, Any]:
    """Return the fields of a line.

    Raises:
        DataError: it is none, or was changed after it was written.
    """
    try:
        fields = json.loads(line)
        digest = fields.pop("digest")
        is_whole = digest == _digest(fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"it cannot be read: {error!r}") from error
    if not is_whole:
        raise DataError("it was changed after it was written")
    return fields


def file_digest(content: bytes) -> str:
    """Return what a line says of a file's content.

    Example:
        >>> len(file_digest(b"a"))
        32
    """
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _digest(fields: Mapping[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return file_digest(text.encode())
