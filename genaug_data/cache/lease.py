"""One writer a folder: a lock that dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from pathlib import Path

from genaug_data.errors import CacheLocked


class Lease:
    """Holds the right to write to a cache folder until :meth:`release`, or until the process ends in whatever way.

    Args:
        folder: of the cache, which exists.

    Raises:
        CacheLocked: a living process has it; the sentence names its process id and host.
    """

    def __init__(self, folder: Path) -> None:
        # Through a link, a file that is not ours would be emptied.
        self._descriptor: int | None = os.open(folder / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 4096, 0)
            os.close(self._descriptor)
            raise CacheLocked(
                f"the cache in {folder} is being written by {_name(holder)}; wait until it ends, or pass another folder"
            ) from None
        me = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(me).encode(), 0)

    def release(self) -> None:
        """Give the right back: idempotent."""
        if self._descriptor is not None:
            # Closing alone would leave it to forked processes that have a copy of the descriptor.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None


def _name(holder: bytes) -> str:
    try:
        known = json.loads(holder)
        said = f"process {known['pid']} on {known['host']} since {known['since']}"
        return " ".join(said.split())
    except (ValueError, KeyError, TypeError, RecursionError):
        return "another process"
