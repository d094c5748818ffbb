"""What a fit leaves behind, and where it is kept."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from genaug_data.errors import GenaugWarning
from genaug_data.generators.condition import Condition
from genaug_data.tensor_file import DamagedFile, digest_of, read_tensors, write_json, write_tensors

FORMAT = 1
"""Raised when the same weights would make other images, so that every key changes."""

_MOST_SIDE = 4096
_WEIGHTS, _RECORD = "model.safetensors", "model.json"


@dataclass(frozen=True)
class FitRecord:
    """What was fitted, on what, and how it went; kept as ``model.json`` beside the weights.

    Args:
        identity: of the generator before the fit: name and settings.
        dataset: probe of what was learned from.
        kind: of the condition.
        classes: ids that the condition knows.
        image_channels: of the images.
        size: ``(H, W)`` of the largest image.
        channels: of each level of the network.
        steps: optimiser steps that were taken.
        best_step: after which the kept weights were reached.
        losses: ``(step, loss on the held-out examples)`` at each evaluation.
        weights: digest of the weights.
        format: of these files, and of the way from weights to images.
        generator: name of its class.
    """

    identity: str
    dataset: str
    kind: Literal["class", "mask", "image"]
    classes: tuple[int, ...]
    image_channels: int
    size: tuple[int, int]
    channels: tuple[int, ...]
    steps: int
    best_step: int
    losses: tuple[tuple[int, float], ...]
    weights: str
    format: int = FORMAT
    generator: str = "InDomainDiffusion"

    @property
    def condition(self) -> Condition:
        """The way from annotations to what the network is given."""
        return Condition(self.kind, self.classes)

    @property
    def fingerprint(self) -> str:
        """Short name of everything that decides which image a request gives."""
        parts = (self.weights, self.kind, self.classes, self.image_channels, self.size, self.channels)
        digest = hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()
        return f"{self.generator}/{self.format}/{digest}"

    @property
    def origin(self) -> dict[str, str]:
        """What the provenance of a variant tells of the model: which, its weights, and a probe of what it learned."""
        return {
            "model": self.generator,
            "revision": self.weights,
            "fitted_on": self.dataset,
            "fit_steps": str(self.best_step),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> FitRecord:
        """Read back what was written as JSON."""
        for name in ("classes", "size", "channels"):
            fields[name] = tuple(fields[name])
        fields["losses"] = tuple((step, loss) for step, loss in fields["losses"])
        return cls(**fields)


@dataclass(frozen=True)
class Fitted:
    """A record and the weights that it tells of, on the CPU."""

    record: FitRecord
    weights: dict[str, torch.Tensor]


def folder_of_fit(folder: Path, identity: str, dataset: str) -> Path:
    """Return the sub-folder for this generator on this training set: another one never overwrites it."""
    return folder / hashlib.blake2b(f"{FORMAT} {identity} {dataset}".encode(), digest_size=8).hexdigest()


def save_fitted(folder: Path, fitted: Fitted) -> None:
    """Keep a fit; the record is written last, and says that the weights are complete."""
    write_tensors(folder / _WEIGHTS, fitted.weights, {})
    write_json(folder / _RECORD, asdict(fitted.record))


def load_fitted(folder: Path, identity: str, dataset: str) -> Fitted | None:
    """Return the fit that is kept in ``folder``; None, with a warning if it is damaged, if there is none."""
    try:
        record = FitRecord.from_json(json.loads((folder / _RECORD).read_text()))
        stored = read_tensors(folder / _WEIGHTS)
        if stored is None or digest_of(stored[0]) != record.weights:
            raise DamagedFile(f"{folder / _WEIGHTS}: the weights are not those of {_RECORD}")
        _check_record(record, stored[0])
    except FileNotFoundError:
        return None
    except (DamagedFile, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        warnings.warn(f"a fitted generator is damaged and is fitted anew ({error})", GenaugWarning, stacklevel=2)
        return None
    if (record.identity, record.dataset, record.format) != (identity, dataset, FORMAT):
        return None
    return Fitted(record, stored[0])


def _check_record(record: FitRecord, weights: dict[str, torch.Tensor]) -> None:
    """Refuse what no fit writes: sizes decide how much memory is taken, long before a shape is seen to be wrong."""
    counts = (record.image_channels, record.steps, record.best_step, *record.size, *record.channels, *record.classes)
    losses = [loss for _, loss in record.losses]
    if any(type(count) is not int for count in counts) or any(type(loss) is not float for loss in losses):
        raise DamagedFile(f"{_RECORD} holds values of the wrong type")
    if record.kind not in ("class", "mask", "image"):
        raise DamagedFile(f"{_RECORD} tells of the condition {record.kind!r}")
    if len(record.size) != 2 or not all(1 <= side <= _MOST_SIDE for side in record.size):
        raise DamagedFile(f"{_RECORD} tells of images of size {record.size}")
    widths = {len(weight) for weight in weights.values() if weight.ndim}
    if not record.channels or not widths.issuperset((record.image_channels, *record.channels)):
        raise DamagedFile(
            f"{_RECORD} tells of {record.image_channels} and {record.channels} channels, weights have others"
        )
