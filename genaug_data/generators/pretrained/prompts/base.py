"""The contract of what a pretrained model is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from genaug_data.sample import Sample
from genaug_data.seeding import derive

_Item = TypeVar("_Item")


class PromptPolicy(Protocol):
    """Turns a parent into the prompt of one of its variants.

    Attributes:
        negative: what no image should show; "" for nothing.
    """

    @property
    def negative(self) -> str:
        """What no image should show."""
        ...

    @property
    def identity(self) -> str:
        """Name and settings: part of every variant's key."""
        ...

    def prompt(self, parent: Sample, seed: int) -> str:
        """Return the prompt; parent and seed alone decide it."""
        ...


def drawn(items: Sequence[_Item], seed: int, what: str) -> _Item:
    """Return one of ``items``, as likely as any other, from the seed of a variant and what is being drawn.

    Example:
        >>> drawn(["a", "b"], 3, "domain") in ("a", "b")
        True
    """
    return items[derive(seed, "prompt", what) % len(items)]
