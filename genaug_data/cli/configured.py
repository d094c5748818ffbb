"""A wrapped dataset as a configuration file describes it."""

from __future__ import annotations

import os
import sys
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from torch.utils.data import Dataset

from genaug_data.cli.parsing import new_parser
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
    "noise",
    "parent_share",
    "mixing",
    "mode",
    "refresh_every",
    "synthetic_weight",
    "collate_fn",
    "return_meta",
}


def dataset_parser(command: str, description: str | None) -> ArgumentParser:
    """Return a parser for ``genaug COMMAND`` that takes ``--config`` and all that a cache depends on."""
    if os.getcwd() not in sys.path:
        # Classes of the user's own lie beside the configuration, as with `python -m`.
        sys.path.append(os.getcwd())
    parser = new_parser(command, description)
    parser.add_argument("--config", action="config", help="YAML file with any of the options below")
    parser.add_argument(
        "--base", type=Dataset, required=True, help="training set: class_path and init_args of any class"
    )
    parser.add_argument("--protected", type=list[Dataset], default=[], help="datasets that must never leak")
    parser.add_argument("--variants", type=int, default=1, help="variants of every example that a warm-up makes")
    parser.add_class_arguments(GenerativeAugmentDataset, skip=_OF_TRAINING)
    return parser


def dataset_of(parser: ArgumentParser, found: Namespace, *others: str) -> GenerativeAugmentDataset:
    """Return the dataset of a parsed command line.

    Args:
        parser: as :func:`dataset_parser` returns it.
        found: what it parsed.
        others: arguments that are not the dataset's.

    Raises:
        ConfigError: an object cannot be made from its ``init_args``.
    """
    chosen = _made(parser, found)
    for name in ("config", "variants", *others):
        chosen.pop(name, None)
    return GenerativeAugmentDataset(chosen.pop("base"), **chosen)


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
