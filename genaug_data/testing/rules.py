"""What the checks of every kind share: how a violation is said, and what may not be touched."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from genaug_data.errors import GenaugError
from genaug_data.sample import Sample, content_hash


class Violation(GenaugError, AssertionError):
    """A part does not keep its contract; the sentence says which rule, what was found, and what to do."""


def require(kept: bool, sentence: str) -> None:
    """Raise a :class:`Violation` unless a rule is kept.

    Example:
        >>> require(1 + 1 == 2, "one and one gave 3; add them again")
    """
    if not kept:
        raise Violation(sentence)


@contextmanager
def unshared_randomness(part: str) -> Iterator[None]:
    """Require that nothing inside draws from, or seeds, a global generator: torch's, NumPy's or Python's."""
    before = _states()
    yield
    after = _states()
    touched = [name for name in before if before[name] != after[name]]
    require(
        not touched,
        f"{part} changed the state of the global generator of {' and '.join(touched)}; "
        "draw from a private one, as genaug_data.seeding.torch_generator(seed) makes it",
    )


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed all global generators with ``seed`` inside, and restore them afterwards."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        torch.random.default_generator.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])


@contextmanager
def unchanged(samples: list[Sample], what: str) -> Iterator[None]:
    """Require that neither image nor annotation of any of ``samples`` is changed inside."""
    before = [content_hash(sample) for sample in samples]
    yield
    places = [place for place, sample in enumerate(samples) if content_hash(sample) != before[place]]
    require(not places, f"{what} changed the sample at place {places[:1]} that it was handed; work on a copy")


def difference(one: torch.Tensor, other: torch.Tensor) -> int:
    """Return the largest difference of two uint8 images in grey levels; 256 if their shapes differ."""
    if one.shape != other.shape:
        return 256
    return int((one.int() - other.int()).abs().max()) if one.numel() else 0


def _states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    numpy_state = (kind, np.asarray(keys).tobytes(), *rest)
    return {"torch": torch.get_rng_state().numpy().tobytes(), "numpy": numpy_state, "random": random.getstate()}
