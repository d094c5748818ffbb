"""Hard, or mislabelled? What the top tenth of every policy holds, on CIFAR-10 with human label noise (CIFAR-10N)."""

from benchmarks.selection.comparison import main

__all__ = ["main"]
