"""What variants do to accuracy, on real images: ``python -m benchmarks accuracy SET``."""

from __future__ import annotations

import importlib
import sys

SETS = ("digits", "omniglot", "cifar10")


def main(arguments: list[str]) -> None:
    """Run the comparison on the set that the first argument names."""
    if not arguments or arguments[0] not in SETS:
        print(f"usage: python -m benchmarks accuracy {{{','.join(SETS)}}} [--quick] [--help]", file=sys.stderr)
        raise SystemExit(2)
    importlib.import_module(f"benchmarks.accuracy.{arguments[0]}").main(arguments[1:])
