"""How fast variants are made, against a plain loop, a hand-tuned one, and what arithmetic allows."""

from benchmarks.generation.comparison import main

__all__ = ["main"]
