"""``genaug warmup``: fill a cache before training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from torch.utils.data import Dataset

from genaug_data.cli.parsing import at_least_one, new_parser, parse
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import ConfigError, GenaugError, brief

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
_OF_THE_LOOP = {"worker", "real", "synthetic", "shortfall"}


def _parser() -> ArgumentParser:
    parser = new_parser("warmup", __doc__)
    parser.add_argument("--config", action="config", help="YAML file with any of the options below")
    parser.add_argument(
        "--base", type=Dataset, required=True, help="training set: class_path and init_args of any class"
    )
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
    found = parse(parser, arguments)
    at_least_one(found, "variants")
    chosen = _made(parser, found)
    chosen.pop("config", None)
    variants, base = chosen.pop("variants"), chosen.pop("base")
    with GenerativeAugmentDataset(base, **chosen) as train:
        train.warmup(variants)
    for name, value in train.stats().items():
        if value != 0 and name not in _OF_THE_LOOP:
            print(f"{name:24} {value}")
    return 0


def _made(parser: ArgumentParser, found: Namespace) -> dict[str, Any]:
    try:
        return parser.instantiate(found).as_dict()
    except GenaugError:
        raise
    except Exception as error:
        # Of the user's own classes: a folder that is not there, say. jsonargparse wraps it.
        cause: BaseException = error
        while cause.__context__ is not None:
            cause = cause.__context__
        raise ConfigError(f"the configured objects cannot be made: {brief(cause)}; check their init_args") from error
