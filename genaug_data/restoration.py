"""All that a saved run says, checked before anything is taken over."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from genaug_data.assembly import Parts
from genaug_data.errors import ConfigError
from genaug_data.feedback import FeedbackCounts
from genaug_data.lineup import Child, Snapshot
from genaug_data.sample import KEY_BYTES, Recipe, Request

_MOST_COUNT = np.iinfo(np.int16).max
_MOST_VARIANTS = np.iinfo(np.int32).max


class Restoration:
    """Checks the columns and the description of a saved run; :meth:`enter` takes them over.

    Args:
        parts: of the run that goes on.
        tensors: columns by name.
        description: the rest.

    Raises:
        ConfigError: the run holds others out.
        ValueError: a column is missing, of another shape or kind, or says what cannot be. KeyError, TypeError,
            AttributeError and OverflowError where the description is something else altogether.
    """

    def __init__(self, parts: Parts, tensors: Mapping[str, np.ndarray], description: Mapping[str, Any]) -> None:
        self._parts = parts
        self._tensors = tensors
        size = parts.loop.refresher.planner.size
        self._table = self._part("table")
        self._ledger = self._part("ledger")
        self._planner = self._part("planner")
        for name in ("children", "next_variant", "refusals"):
            counts = self._expect(f"planner.{name}", np.int32, (size,))
            most = _MOST_VARIANTS if name == "next_variant" else _MOST_COUNT
            if not 0 <= counts.min() <= counts.max() <= most:
                raise ValueError(f"planner.{name} is out of range")
        for name, column in parts.loop.feedback.table.state_dict().items():
            self._expect(f"table.{name}", column.dtype, (size,))
        trials = len(tensors["ledger.keys"])
        keys = self._expect("ledger.keys", np.uint8, (trials, KEY_BYTES))
        if len({key.tobytes() for key in keys}) < trials:
            raise ValueError("a trial is in it twice")
        self._expect("ledger.uses", np.int32, (trials,))
        self._expect("ledger.probability", np.float64, (trials,))
        self._priorities = self._expect("priorities", np.float64, (size,)) if "priorities" in tensors else None
        if self._priorities is not None and not (np.isfinite(self._priorities) & (self._priorities >= 0)).all():
            raise ValueError("priorities are out of range")
        self._children = self._read_children(size)
        self._present = int(description["present"])
        if not 0 <= self._present <= len(self._children):
            raise ValueError(f"{self._present} of {len(self._children)} variants are present")
        self._lineup = self._read_lineup(
            list(map(int, description["lineup"])), list(map(float, description["withheld"])), size
        )
        self._auto_off = self._part("auto_off")
        meter = parts.loop.feedback.meter
        if meter is not None:
            theirs, ours = len(self._auto_off.get("first_loss", ())), int(meter.held_out.sum())
            if theirs != ours:
                raise ConfigError(
                    f"the state is of a run that holds {theirs} examples out, this one {ours}; pass the same auto_off="
                )
            if self._auto_off:
                copy.deepcopy(meter).load_state_dict(self._auto_off)
        self._leaving = [key.tobytes() for key in self._expect("leaving.key", np.uint8, (None, KEY_BYTES))]
        self._lineage = self._read_requests([Recipe.from_json(text) for text in description["recipes"]])
        self._counts = Counter({str(name): int(count) for name, count in description["counts"].items()})
        self._feedback = FeedbackCounts(**{name: int(count) for name, count in description["feedback"].items()})

    def enter(self) -> None:
        """Take everything over."""
        loop, catalogue = self._parts.loop, self._parts.catalogue
        with loop.books():
            loop.feedback.table.load_state_dict(self._table)
            loop.feedback.ledger.load_state_dict(self._ledger)
            loop.feedback.counts = self._feedback
            if loop.feedback.meter is not None and self._auto_off:
                loop.feedback.meter.load_state_dict(self._auto_off)
            loop.refresher.planner.load_state_dict(self._planner)
            loop.refresher.priorities = self._priorities
            catalogue.restore(self._children[: self._present])
            catalogue.lineup.restore(self._lineup)
            loop.take_over(self._counts, self._lineage, self._leaving)

    def _part(self, part: str) -> dict[str, np.ndarray]:
        return {name.partition(".")[2]: column for name, column in self._tensors.items() if name.startswith(f"{part}.")}

    def _expect(self, name: str, dtype: Any, shape: tuple[int | None, ...]) -> np.ndarray:
        column = self._tensors[name]
        fits = len(column.shape) == len(shape) and all(
            wanted in (None, found) for wanted, found in zip(shape, column.shape, strict=True)
        )
        if column.dtype != dtype or not fits:
            raise ValueError(f"{name} is {column.dtype} {column.shape}")
        return column

    def _places(self, name: str, count: int | None, below: int) -> list[int]:
        column = self._expect(name, np.int64, (count,))
        if len(column) and not 0 <= column.min() <= column.max() < below:
            raise ValueError(f"{name} is out of range")
        return column.tolist()

    def _read_children(self, size: int) -> list[Child]:
        keys = self._expect("children.key", np.uint8, (None, KEY_BYTES))
        parents = self._places("children.parent", len(keys), size)
        drawn, shown = (
            self._expect(f"children.{name}", np.int64, (len(keys),)).tolist() for name in ("drawn", "shown")
        )
        return [Child(key.tobytes(), *counts) for key, *counts in zip(keys, parents, drawn, shown, strict=True)]

    def _read_lineup(self, slots: list[int], withheld: list[float], size: int) -> list[tuple[int, Snapshot]]:
        if not slots or sorted(set(slots)) != slots:
            raise ValueError(f"the slots {slots} are not in order")
        if len(withheld) != len(slots) or not all(0 <= weight < math.inf for weight in withheld):
            raise ValueError(f"the weights {withheld} are out of range")
        entries = []
        for number, slot in enumerate(slots):
            parents = self._places(f"lineup{number}.parents", None, size)
            cumulative = self._expect(f"lineup{number}.cumulative", np.float64, (len(parents),))
            if not (np.isfinite(cumulative).all() and (np.diff(cumulative, prepend=0.0) >= 0).all()):
                raise ValueError(f"lineup{number}.cumulative is out of range")
            if parents and not cumulative[-1] > 0:
                raise ValueError(f"lineup{number} draws nobody")
            sizes = self._places(f"lineup{number}.sizes", len(parents), 1 << 31)
            rows = iter(self._places(f"lineup{number}.children", sum(sizes), len(self._children)))
            families = tuple(tuple(self._children[next(rows)] for _ in range(count)) for count in sizes)
            if not all(sizes):
                raise ValueError("a parent has no children")
            entries.append((slot, Snapshot(tuple(parents), tuple(cumulative.tolist()), families, withheld[number])))
        return entries

    def _read_requests(self, recipes: list[Recipe]) -> dict[bytes, Request]:
        keys = self._expect("requests.key", np.uint8, (None, KEY_BYTES))
        places = self._expect("requests.place", np.int64, (len(keys), 2))
        most = (self._parts.loop.refresher.planner.size - 1, _MOST_VARIANTS)
        if len(keys) and not ((places >= 0) & (places <= most)).all():
            raise ValueError("requests.place is out of range")
        kinds = self._places("requests.recipe", len(keys), len(recipes))
        seeds = self._expect("requests.seed", np.int64, (len(keys),)).tolist()
        priorities = self._expect("requests.priority", np.float64, (len(keys),)).tolist()
        return {
            key.tobytes(): Request(parent, variant, recipes[kind], seed, priority)
            for key, (parent, variant), kind, seed, priority in zip(
                keys, places.tolist(), kinds, seeds, priorities, strict=True
            )
        }
