"""``genaug warmup``: fill a cache before training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentParser
from torch.utils.data import Dataset

from genaug_data.dataset import GenerativeAugmentDataset

_OF_TRAINING = {
    "base",
    "protected",
    "ratio",
    "transform",
    "transforms",
    "gates",
    "policy",
    "mixing",
    "mode",
    "refresh_every",
    "synthetic_weight",
    "collate_fn",
    "return_meta",
}


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="genaug warmup", description=__doc__)
    parser.add_argument("--config", action="config", help="YAML file with any of the options below")
    parser.add_subclass_arguments(Dataset, "base", help="training set: class_path and init_args of any class")
    parser.add_argument("--protected", type=list[Dataset], default=[], help="datasets that must never leak")
    parser.add_argument("--variants", type=int, default=1, help="variants of every example")
    parser.add_class_arguments(GenerativeAugmentDataset, skip=_OF_TRAINING)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Make what is missing in the cache of a configured dataset, and print the counts.

    Args:
        arguments: of the command line, after ``genaug warmup``.
    """
    parser = _parser()
    chosen: Any = parser.instantiate(parser.parse_args(list(arguments))).as_dict()
    chosen.pop("config", None)
    variants, base = chosen.pop("variants"), chosen.pop("base")
    train = GenerativeAugmentDataset(base, **chosen)
    try:
        train.warmup(variants)
        for name, value in train.stats().items():
            print(f"{name:24} {value}")
    finally:
        train.close()
    return 0
