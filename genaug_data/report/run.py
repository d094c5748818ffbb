"""What the folder of a run says of it, read once for all sections of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from genaug_data.cache import CacheReader, CacheStats, Manifest, RejectedPicture, manifest_of, read_manifest
from genaug_data.errors import DataError
from genaug_data.history import FOLDER, History, read_history
from genaug_data.journal_reading import Journal, read_journal
from genaug_data.report.blocks import Picture
from genaug_data.report.pictures import data_uri
from genaug_data.report.saved import summary_of_saved
from genaug_data.sample import Provenance, Sample, Target
from genaug_data.tasks.view import spaced

_MOST_READ = 20_000
_AT_ONCE = 256

Features = Callable[[torch.Tensor], torch.Tensor]
"""From uint8 images ``(B, C, H, W)`` to floats ``(B, D)``."""


@dataclass(frozen=True, slots=True)
class Child:
    """A variant in the cache, without its image."""

    key: bytes
    parent: int
    made: Provenance
    target: Target


@dataclass(frozen=True, slots=True)
class LeakPair:
    """A synthetic image and the protected one that it is nearest to.

    Args:
        distance: between them, smaller is nearer.
        protected: the protected image.
        synthetic: the synthetic one.
        title: which they are.
    """

    distance: float
    protected: Sample
    synthetic: Sample
    title: str


@dataclass
class Run:
    """All that a report tells of.

    Args:
        folder: of the cache.
        manifest: of the cache; None where nothing was cached yet.
        stored: how much the cache holds.
        damage: why the cache cannot be read; empty where it can.
        children: variants that could be read; where there are more than 20,000, as many evenly spaced ones.
        looked_at: variants that were tried to be read.
        rejections: provenance of the remembered rejections.
        parents: small pictures of real examples, by their index.
        rejected: small pictures of rejected variants, the newest first.
        history: how the run went; None where none was kept.
        journal: of the newest asynchronous run; None without.
        reader: of the cache.
        samples: the training set; None where it was not passed.
        classes: names of the classes.
        features: of images, for the map; None for their pixels.
        pairs: what an audit found.
        summary: what was known at the run's end, from its history or else from a saved state; {} from neither.
    """

    folder: Path
    manifest: Manifest | None
    stored: CacheStats
    damage: str
    children: list[Child]
    looked_at: int
    rejections: list[Provenance]
    parents: dict[int, bytes]
    rejected: list[RejectedPicture]
    history: History | None
    journal: Journal | None
    reader: CacheReader
    samples: Sequence[Sample] | None = None
    classes: Sequence[str] = ()
    features: Features | None = None
    pairs: Sequence[LeakPair] = field(default=())
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was told, as far as it is known."""
        return {} if self.history is None else self.history.settings

    def class_name(self, label: Any) -> str:
        """Return how a class is called; the empty text for what is none."""
        if not isinstance(label, int) or label < 0:
            return ""
        name = str(self.classes[label]) if label < len(self.classes) else str(label)
        return f"class {name}" if name.isdigit() else name

    def real(self, index: int, caption: str = "real") -> Picture:
        """Return the picture of a real example, if it can be had."""
        if self.samples is not None and 0 <= index < len(self.samples):
            # A user's dataset may raise anything.
            with suppress(Exception):
                return Picture(data_uri(self.samples[index].image), caption)
        return Picture(data_uri(self.parents.get(index, b"")), caption)

    def images(self, children: Sequence[Child]) -> list[torch.Tensor | None]:
        """Return the images of variants, uint8 ``(C, H, W)``; None for one that has gone meanwhile."""
        found = self.reader.gather([child.key for child in children])
        return [None if sample is None else sample.image for sample in found]

    def pictures(self, children: Sequence[Child], captions: Sequence[str]) -> list[Picture]:
        """Return the pictures of variants."""
        return [
            Picture("" if image is None else data_uri(image), caption)
            for image, caption in zip(self.images(children), captions, strict=True)
        ]


def read_run(
    folder: str | Path,
    *,
    samples: Sequence[Sample] | None = None,
    classes: Sequence[str] | None = None,
    features: Features | None = None,
    pairs: Sequence[LeakPair] = (),
) -> Run:
    """Read what a run has left in the folder of its cache; what is missing or damaged is left out.

    Raises:
        CacheError: the folder is no cache.
    """
    folder = Path(folder)
    history = read_history(folder / FOLDER)
    manifest = manifest_of(folder) if history is None else read_manifest(folder)
    reader = CacheReader(folder)
    entries = reader.entries()
    looked_at = [entries[place] for place in spaced(len(entries), _MOST_READ)] if entries else []
    children = []
    for start in range(0, len(looked_at), _AT_ONCE):
        keys = [entry.key for entry in looked_at[start : start + _AT_ONCE]]
        for key, found in zip(keys, reader.describe(keys), strict=True):
            if found is not None:
                children.append(Child(key, found[0].parent, *found))
    told = history.settings.get("classes", ()) if history is not None and classes is None else classes
    return Run(
        folder,
        manifest,
        reader.stats(),
        reader.damage(),
        children,
        len(looked_at),
        [made for _, made in reader.rejections()],
        reader.parent_pictures(),
        reader.rejected_pictures(),
        history,
        _newest_journal(folder / "journals"),
        reader,
        samples,
        [str(name) for name in told] if isinstance(told, Sequence) and not isinstance(told, str) else (),
        features,
        pairs,
        history.summary if history is not None and history.summary else summary_of_saved(folder),
    )


def _newest_journal(folder: Path) -> Journal | None:
    with suppress(OSError, DataError):
        found = sorted(path for path in folder.iterdir() if path.suffix == ".journal" and not path.is_symlink())
        if found:
            return read_journal(found[-1])
    return None
