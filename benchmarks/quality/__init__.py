"""Does it rise where the set gets worse? Mask FID and FID against known degradations of CamVid and CIFAR-10."""

from benchmarks.quality.comparison import main

__all__ = ["main"]
