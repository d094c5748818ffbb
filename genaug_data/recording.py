"""Keeps a run's figures at its refreshes, and now and then a summary, for the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genaug_data.cache import CacheReader
from genaug_data.errors import brief
from genaug_data.figures import figures_of, stats_of
from genaug_data.history import FOLDER, HistoryWriter
from genaug_data.sampler import HardExampleSampler

if TYPE_CHECKING:
    from genaug_data.loop import AugmentationLoop

_SUMMARY_SECONDS = 60.0
_HARDEST, _SUSPECTS, _CLASSES, _LONGEST_NAME = 48, 48, 1000, 100


class Recording:
    """Writes the history of a run in the folder of its cache; what fails here is said once and ends it, not the run.

    Args:
        folder: of the cache.
        sampler: knows ratio and epoch.
        reader: of the cache.
        settings: what the run was told, as JSON.
    """

    def __init__(
        self, folder: Path, sampler: HardExampleSampler, reader: CacheReader, settings: Mapping[str, Any]
    ) -> None:
        self._folder = folder
        self._sampler = sampler
        self._reader = reader
        self._settings = settings
        self._writer: HistoryWriter | None = None
        self._has_failed = False
        self._next_summary = 0.0

    def note(self, loop: AugmentationLoop) -> None:
        """Keep the figures of a refresh, and a summary where the last is a minute old."""
        self._guarded(loop, self._note)

    def conclude(self, loop: AugmentationLoop) -> None:
        """Keep the figures and the summary of a run that ends here; it may go on."""
        self._guarded(loop, self._conclude)

    def _note(self, loop: AugmentationLoop) -> None:
        if self._writer is None:
            settings = {**self._settings, **loop.course, "resumed_at": loop.first_step}
            self._writer = HistoryWriter(self._folder / FOLDER, settings)
        if not self._writer.is_due:
            self._writer.skip()
            return
        self._writer.note(figures_of(loop, self._sampler, self._reader))
        if time.monotonic() >= self._next_summary:
            started = time.monotonic()
            self._writer.summarise(self._summary(loop))
            ended = time.monotonic()
            # It is no reason to spend more than a hundredth of a core on it.
            self._next_summary = ended + max(_SUMMARY_SECONDS, 99 * (ended - started))

    def _conclude(self, loop: AugmentationLoop) -> None:
        if self._writer is not None:
            # Who deletes the folder of a run that is over, or as good as over, need not be told.
            if not self._writer.is_gone:
                self._writer.note(figures_of(loop, self._sampler, self._reader))
                self._writer.summarise(self._summary(loop))
            self._writer.close()

    def _guarded(self, loop: AugmentationLoop, work: Callable[[AugmentationLoop], None]) -> None:
        if self._has_failed:
            return
        try:
            work(loop)
        except Exception as error:
            self._has_failed = True
            place = self._folder / FOLDER
            if self._writer is not None:
                self._writer.close()
            if self._writer is not None and self._writer.is_gone:
                loop.sayings.add(
                    f"the history in {place} was deleted or moved while in use, and a report will not show how this "
                    "run went on; leave a run its cache folder until it is closed"
                )
            else:
                loop.sayings.add(
                    f"the history in {place} cannot be written ({brief(error)}), and a report will not show how this "
                    "run went on; make room, or pass a cache folder that can be written"
                )

    def _summary(self, loop: AugmentationLoop) -> dict[str, Any]:
        table, meter, choice = loop.feedback.table, loop.feedback.meter, loop.refresher.choice
        return {
            "time": time.time(),
            "stats": stats_of(loop, self._sampler, self._reader),
            "hardest": [] if choice is None else hardest_of(choice.priorities, table.label, table.loss_ema),
            "suspects": [asdict(suspect) for suspect in loop.refresher.targeting.suspects(table)[:_SUSPECTS]],
            "real per class": class_counts(table.label),
            "usefulness": [] if meter is None else [row._asdict() for row in meter.table()[:_CLASSES]],
            "said": loop.sayings.sentences,
        }


def names_of(dataset: Any) -> list[str]:
    """Return the names of a dataset's classes, as torchvision's datasets have them; [] where there are none.

    Example:
        >>> class Pets:
        ...     classes = ("cat", "dog")
        >>> names_of(Pets())
        ['cat', 'dog']
    """
    names = getattr(dataset, "classes", None)
    if not isinstance(names, Sequence) or isinstance(names, str) or len(names) > _CLASSES:
        return []
    return [str(name)[:_LONGEST_NAME] for name in names]


def class_counts(labels: np.ndarray) -> list[int]:
    """Return how many examples there are of each of the first 1000 classes; a label below 0 is not known.

    Example:
        >>> class_counts(np.array([0, 2, 2, -1]))
        [1, 0, 2]
    """
    known = labels[labels >= 0]
    return np.bincount(known)[:_CLASSES].tolist() if len(known) else []


def hardest_of(priorities: np.ndarray, labels: np.ndarray, losses: np.ndarray) -> list[dict[str, float]]:
    """Return index, priority, label and loss of the 48 examples of the highest priority, the highest first."""
    count = min(_HARDEST, len(priorities))
    places = np.argpartition(-priorities, count - 1)[:count]
    return [
        {
            "index": int(place),
            "priority": float(priorities[place]),
            "label": int(labels[place]),
            "loss": float(losses[place]),
        }
        for place in places[np.argsort(-priorities[places], kind="stable")]
    ]
