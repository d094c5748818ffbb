"""Whether what a generator returned are variants of the parents that it was handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.base import Refusal
from genaug_data.sample import Sample, Target


def check_variants(parents: Sequence[Sample], children: Sequence[Sample]) -> None:
    """Check that ``children`` are variants of ``parents``, or refusals; the worker does so for every generator.

    Args:
        parents: what was handed to the generator.
        children: what it returned.

    Raises:
        GeneratorError: wrong count, type, size, channels or dtype of an image, or an annotation of another kind.

    Example:
        >>> parent = Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3)
        >>> check_variants([parent], [Sample(torch.ones(1, 8, 8, dtype=torch.uint8), 3)])
    """
    if len(children) != len(parents):
        raise GeneratorError(
            f"the generator returned {len(children)} variants for {len(parents)} parents: return one for each, in order"
        )
    for place, (parent, child) in enumerate(zip(parents, children, strict=True)):
        if isinstance(child, Refusal):
            continue
        problem = _image_problem(parent, child) or _target_problem(parent.target, child.target)
        if problem:
            raise GeneratorError(f"the generator's variant {place} {problem}")


def _image_problem(parent: Sample, child: Any) -> str | None:
    if not isinstance(child, Sample):
        return f"is a {type(child).__name__}: return a Sample(image, target)"
    if not isinstance(child.image, torch.Tensor):
        return f"has a {type(child.image).__name__} as image: return a uint8 tensor (C, H, W)"
    if child.image.dtype != torch.uint8:
        return f"has an image of {child.image.dtype}: return torch.uint8, values 0..255"
    if child.image.shape != parent.image.shape:
        return (
            f"has an image of shape {tuple(child.image.shape)}: return {tuple(parent.image.shape)}, that of its parent"
        )
    if child.image.device.type != "cpu":
        return f"is on {child.image.device}: return CPU tensors"
    return None


def _target_problem(parent: Target, child: Any) -> str | None:
    if isinstance(parent, Mapping):
        if not isinstance(child, Mapping) or set(child) != set(parent):
            found = sorted(child) if isinstance(child, Mapping) else type(child).__name__
            return f"has an annotation of {found}: return a mapping of {sorted(parent)}, as its parent has"
        problems = (_tensor_problem(parent[name], child[name], f"{name!r} of ", rows=True) for name in parent)
        return next(filter(None, problems), None)
    if isinstance(parent, torch.Tensor):
        return _tensor_problem(parent, child, "", rows=False)
    if type(child) is not type(parent):
        return f"has an annotation of type {type(child).__name__}: return {type(parent).__name__}, as its parent has"
    return None


def _tensor_problem(parent: torch.Tensor, child: Any, name: str, *, rows: bool) -> str | None:
    """Say how ``child`` differs; where ``rows``, the number of rows (of objects) is free."""
    if isinstance(child, torch.Tensor):
        first = 1 if rows else 0
        same_shape = child.ndim == parent.ndim and child.shape[first:] == parent.shape[first:]
        if same_shape and child.dtype == parent.dtype:
            return None
        found = f"{child.dtype} {tuple(child.shape)}"
    else:
        found = type(child).__name__
    return f"has {name}its annotation as {found}: return {parent.dtype} {tuple(parent.shape)}, as its parent has"
