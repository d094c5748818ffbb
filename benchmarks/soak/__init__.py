"""Training for a while as it is on a bad night: generation, eviction, kills and resumes, every pixel checked."""

from benchmarks.soak.driver import main

__all__ = ["main"]
