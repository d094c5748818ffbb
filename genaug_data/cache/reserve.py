"""Room that is kept for evictions: on a file system that is full to its last page, even they could not be written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_BYTES = 1 << 20


class Reserve:
    """A file that takes room until it is given back.

    Args:
        file: where it is; its folder exists.

    Example:
        >>> import tempfile
        >>> reserve = Reserve(Path(tempfile.mkdtemp()) / "reserve")
        >>> reserve.take()
        >>> reserve.give_back(), reserve.give_back()
        (True, False)
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._is_whole = False

    def take(self) -> None:
        """Take the room, if there is any; where there is not, nothing is left behind."""
        if self._is_whole:
            return
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                # A file that is only made long, without this, takes no room.
                os.posix_fallocate(descriptor, 0, _BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            self.give_back()
            return
        self._is_whole = True

    def give_back(self) -> bool:
        """Give the room back to the file system; returns whether there was any."""
        self._is_whole = False
        with suppress(OSError):
            self._file.unlink()
            return True
        return False
