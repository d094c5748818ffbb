"""Arguments of a wrapped dataset that cannot work are refused by name, before anything is read or made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from genaug_data.auto_off import AutoOff
from genaug_data.errors import ConfigError, DataError
from genaug_data.gates import Gate
from genaug_data.hardness.noise import NoisePolicy
from genaug_data.ratio import as_ratio
from genaug_data.recipes import RecipePolicy
from genaug_data.tasks import SampleView
from genaug_data.workers import Budget

_CHOICES = {"mode": ("async", "sync"), "worker": ("process", "inline")}
_COUNTS = ("max_bytes", "max_children", "refresh_every")
_KINDS = {"recipes": RecipePolicy, "budget": Budget, "noise": NoisePolicy, "auto_off": AutoOff}
_HOMES = {"noise": "genaug_data.hardness.noise"}


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Check the kinds and ranges of arguments that no other part checks.

    Args:
        arguments: of :class:`~genaug_data.dataset.GenerativeAugmentDataset`, by name.

    Raises:
        ConfigError: one cannot work; the sentence names it.

    Example:
        >>> check_arguments({"mode": "later"})
        Traceback (most recent call last):
        ...
        genaug_data.errors.ConfigError: mode must be 'async' or 'sync', got 'later'
    """
    for name, value in arguments.items():
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ConfigError(f"{name} must be {' or '.join(map(repr, _CHOICES[name]))}, got {value!r}")
        if name in _COUNTS and (not isinstance(value, Integral) or isinstance(value, bool) or value < 1):
            raise ConfigError(f"{name} must be at least 1, got {value!r}; pass a whole number, or leave it out")
        if name == "seed" and not isinstance(value, Integral):
            raise ConfigError(f"seed must be an integer, got {value!r}")
        if name == "ratio":
            as_ratio(value)
        if name in ("synthetic_weight", "parent_share") and not isinstance(value, Real):
            raise ConfigError(f"{name} must be a number, got {value!r}")
        if name in _KINDS and value is not None and not isinstance(value, _KINDS[name]):
            kind, home = _KINDS[name].__name__, _HOMES.get(name, "genaug_data")
            raise ConfigError(f"{name} must be {_article(kind)} {kind}, got {_described(value)}; make one of {home}")
        if name == "cache" and not isinstance(value, (str, os.PathLike)):
            raise ConfigError(f"cache must be the path of a folder, got {value!r}")
        if name == "protected" and not isinstance(value, (list, tuple)):
            raise ConfigError(
                f"protected must be a list of datasets, got a {type(value).__name__}; write protected=[dataset]"
            )
        if name == "gates" and value is not None:
            _check_gates(value)
    if arguments.get("auto_off") is not None and not arguments.get("return_meta", True):
        raise ConfigError(
            "auto_off= needs return_meta=True: without meta a loop cannot leave the slice out, and nothing is measured"
        )


def check_protected(views: Sequence[SampleView]) -> None:
    """Check that the items of protected sets are like those of the training set, by the first of each.

    Raises:
        DataError: they are not; the sentence names the set.
    """
    for number, view in enumerate(views):
        _check_first(number, view)


def _check_first(number: int, view: SampleView) -> None:
    try:
        if len(view):
            view[0]
    except (DataError, TypeError) as error:
        raise DataError(
            f"the items of protected[{number}] must be like those of base, without normalisation: {error}"
        ) from error


def _check_gates(gates: Any) -> None:
    strange = [gate for gate in gates if not isinstance(gate, Gate)] if isinstance(gates, (list, tuple)) else [gates]
    if strange:
        raise ConfigError(f"gates must be a list of genaug_data.gates.Gate objects, got a {type(strange[0]).__name__}")


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"


def _described(value: Any) -> str:
    return f"the class {value.__name__}, not an object of it" if isinstance(value, type) else type(value).__name__
