"""``genaug warmup``: fill a cache before training."""

from __future__ import annotations

from collections.abc import Sequence

from genaug_data.cli.configured import dataset_of, dataset_parser
from genaug_data.cli.parsing import at_least_one, parse

_OF_THE_LOOP = {"worker", "real", "synthetic", "shortfall"}


def run(arguments: Sequence[str]) -> int:
    """Make what is missing in the cache of a configured dataset, and print the counts.

    Args:
        arguments: of the command line, after ``genaug warmup``.
    """
    parser = dataset_parser("warmup", __doc__)
    found = parse(parser, arguments)
    at_least_one(found, "variants")
    with dataset_of(parser, found) as train:
        train.warmup(found.variants)
    for name, value in train.stats().items():
        if value != 0 and name not in _OF_THE_LOOP:
            print(f"{name:24} {value}")
    return 0
