"""``python -m benchmarks leak``: which altered copies of test images the leak guard finds, and at what cost."""

from __future__ import annotations

from benchmarks.leak.comparison import main

__all__ = ["main"]
