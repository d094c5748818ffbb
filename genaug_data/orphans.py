"""A process that ends with the one that started it, however that one ends."""

from __future__ import annotations

import os
import threading
import time


def end_with_parent(parent: int) -> None:
    """End this process, within a second and at once, when the process ``parent`` is no longer its parent.

    Args:
        parent: process id, as the parent itself says it: it may be gone before this process has asked.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)
