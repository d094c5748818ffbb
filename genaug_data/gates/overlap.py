"""The structural rule before all gates: no protected example is in the training set."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import Subset

from genaug_data.copies.reading import evenly_spaced, image_hash, is_constant, read_images
from genaug_data.errors import ConfigError, GenaugWarning, LeakError
from genaug_data.sample import Sample
from genaug_data.seeding import derive, permutation

_ADVICE = "take it out of one of the two, for example with torch.utils.data.Subset"


def check_disjoint(
    train: Any,
    protected: Sequence[Any],
    train_samples: Sequence[Sample],
    protected_samples: Sequence[Sequence[Sample]],
    *,
    max_reads: int = 100_000,
    max_seconds: float = 60.0,
    progress: bool = True,
) -> None:
    """Refuse a training set that shares examples with a protected one.

    First by structure, without reading: the same dataset, or subsets (also of subsets) of one dataset whose indices
    overlap. Then by content: no training image may equal a protected one in every value; constant images do not
    count. Where training and protected sets together exceed ``max_reads``, evenly spaced ones are compared, and no
    longer than ``max_seconds``; a warning says so then.

    Args:
        train: the dataset as the user gave it.
        protected: the protected datasets as the user gave them.
        train_samples: the same training set as samples.
        protected_samples: the same protected sets as samples.
        max_reads: images to read, at most, of all sets together.
        max_seconds: for reading, half of it for the protected sets.
        progress: whether to show a bar when it takes longer than two seconds.

    Raises:
        ConfigError: ``max_reads`` is less than 2.
        LeakError: an example is in both.

    Example:
        >>> import torch
        >>> images = [Sample(torch.arange(i, i + 16, dtype=torch.uint8).reshape(1, 4, 4), 0) for i in range(5)]
        >>> check_disjoint(images[:3], [images[3:]], images[:3], [images[3:]])
        >>> train, test = Subset(images, [0, 1, 2]), Subset(images, [2, 3, 4])
        >>> check_disjoint(train, [test], train, [test])
        Traceback (most recent call last):
        ...
        genaug_data.errors.LeakError: training index 2 and protected[0] index 0 are one example (index 2 of the list \
they share; examples shared: 1); take it out of one of the two, for example with torch.utils.data.Subset
    """
    if max_reads < 2:
        raise ConfigError(f"max_reads must be at least 2, got {max_reads}")
    for number, dataset in enumerate(protected):
        _check_structure(train, dataset, number)
    _check_content(train_samples, protected_samples, max_reads, max_seconds, progress)


def _check_structure(train: Any, protected: Any, number: int) -> None:
    train_base, train_indices = _unwrap(train)
    base, indices = _unwrap(protected)
    if train_base is not base:
        return
    shared, in_train, in_protected = np.intersect1d(train_indices, indices, return_indices=True)
    if len(shared):
        raise LeakError(
            f"training index {in_train[0]} and protected[{number}] index {in_protected[0]} are one example (index "
            f"{shared[0]} of the {type(base).__name__} they share; examples shared: {len(shared)}); {_ADVICE}"
        )


def _unwrap(dataset: Any) -> tuple[Any, np.ndarray]:
    """Return what is at the bottom of nested subsets, and which of its indices ``dataset`` shows, in order."""
    indices = np.arange(len(dataset))
    while isinstance(dataset, Subset):
        indices = np.asarray(dataset.indices, dtype=np.int64)[indices]
        dataset = dataset.dataset
    # -1 and the last index are one example.
    return dataset, indices % max(len(dataset), 1)


def _check_content(
    train: Sequence[Sample],
    protected: Sequence[Sequence[Sample]],
    max_reads: int,
    max_seconds: float,
    progress: bool,
) -> None:
    started = time.monotonic()
    total = sum(len(samples) for samples in protected)
    # Protected sets are small as a rule; all of them are read where half the reads suffice for that.
    protected_reads = min(total, max(max_reads // 2, max_reads - len(train)))
    known: dict[bytes, tuple[int, int]] = {}
    read = 0
    for number, samples in enumerate(protected):
        rows = evenly_spaced(len(samples), -(-protected_reads * len(samples) // max(total, 1)))
        for chunk in read_images(samples, _shuffled(rows), f"reading protected set {number}", progress):
            known |= {image_hash(image): (number, index) for index, image in chunk if not is_constant(image)}
            read += len(chunk)
            if time.monotonic() - started > max_seconds / 2:
                break
    if not known:
        return
    rows = evenly_spaced(len(train), max_reads - protected_reads)
    pairs: list[tuple[int, tuple[int, int]]] = []
    compared = 0
    for chunk in read_images(train, _shuffled(rows), "looking for protected images in the training set", progress):
        hashes = ((index, image_hash(image)) for index, image in chunk)
        pairs += [(index, known[digest]) for index, digest in hashes if digest in known]
        compared += len(chunk)
        if time.monotonic() - started > max_seconds:
            break
    if pairs:
        pairs.sort()
        index, (number, protected_index) = pairs[0]
        more = ", ".join(str(index) for index, _ in pairs[:10]) + (", ..." if len(pairs) > 10 else "")
        raise LeakError(
            f"the image at training index {index} equals the image at protected[{number}] index {protected_index} "
            f"({len(pairs)} such training images among {compared} read: {more}); {_ADVICE}"
        )
    if compared < len(train) or read < total:
        warnings.warn(
            f"{compared} of {len(train)} training images were compared with {read} of {total} protected ones, and none "
            "were equal; make sure yourself that the sets are disjoint",
            GenaugWarning,
            stacklevel=2,
        )


def _shuffled(rows: np.ndarray) -> np.ndarray:
    # So that those that are read in time are spread over the whole set.
    return rows[permutation(derive(0, "overlap"), len(rows))]
