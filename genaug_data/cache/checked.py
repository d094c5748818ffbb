"""Which records this process has found sound: their checksums need not be worked out at every read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

_SECONDS = 600.0
_MOST = 1 << 17


class Checked:
    """Remembers the keys whose records had their checksum, as long as nobody but the cache's writer touched the file.

    Working out a checksum takes as long as copying an image. A record never changes once it is committed, so that it
    is enough to check it when this process first reads it, again after the file changed in another way than by a
    commit, and at least every ten minutes.

    Args:
        file: that holds the records.
    """

    def __init__(self, file: Path) -> None:
        self._file = os.fspath(file)
        self._keys: set[bytes] = set()
        self._modified = -1
        self._commit = -1
        self._since = 0.0

    def look(self, commit: int) -> None:
        """Look at the file, inside of a transaction and before its records are read.

        Args:
            commit: number of the last commit that the transaction sees.
        """
        modified, now = os.stat(self._file).st_mtime_ns, time.monotonic()
        tampered = modified != self._modified and commit == self._commit
        if tampered or now - self._since > _SECONDS or len(self._keys) > _MOST:
            self._keys.clear()
            self._since = now
        self._modified, self._commit = modified, commit

    def covers(self, keys: Iterable[bytes]) -> bool:
        """Return whether the records of all ``keys`` were found sound."""
        return self._keys.issuperset(keys)

    def add(self, keys: Iterable[bytes], sound: np.ndarray) -> None:
        """Note which records, bool ``(N,)``, had their checksum."""
        self._keys.update(key for key, good in zip(keys, sound.tolist(), strict=True) if good)
