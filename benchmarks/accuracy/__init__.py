"""What variants do to accuracy, on real images: ``python -m benchmarks accuracy [SET]``, all sets without a name."""

from __future__ import annotations

import importlib
import sys

SETS = ("digits", "omniglot", "cifar10")


def main(arguments: list[str]) -> None:
    """Run the comparison on the set that the first argument names, or on all, one after the other."""
    names = SETS
    if arguments and not arguments[0].startswith("-"):
        if arguments[0] not in SETS:
            print(f"usage: python -m benchmarks accuracy [{'|'.join(SETS)}] [--quick] [--help]", file=sys.stderr)
            raise SystemExit(2)
        names, arguments = (arguments[0],), arguments[1:]
    for name in names:
        importlib.import_module(f"benchmarks.accuracy.{name}").main(arguments)
