"""The wrapped dataset as generators and gates see it: a sequence of Samples."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from torch.utils.data import IterableDataset

from genaug_data.errors import DataError
from genaug_data.sample import Sample, content_hash
from genaug_data.tasks.base import Task

_PROBED = 64


class SampleView(Sequence[Sample]):
    """A map-style dataset as a sequence of Samples; reads an item at each access, keeps none.

    Picklable if the dataset is.

    Args:
        dataset: the user's map-style dataset.
        task: as :func:`~genaug_data.tasks.resolve_task` returns it.

    Example:
        >>> import torch
        >>> from genaug_data.tasks import resolve_task
        >>> dataset = [(torch.zeros(1, 8, 8), 3), (torch.ones(1, 8, 8), 5)]
        >>> view = SampleView(dataset, resolve_task("auto", dataset))
        >>> len(view), view[1].target
        (2, 5)
    """

    def __init__(self, dataset: Any, task: Task) -> None:
        self._dataset = dataset
        self._task = task

    def __len__(self) -> int:
        return len(self._dataset)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """Return the Sample of item ``index``.

        Raises:
            IndexError: there is no such item.
            DataError: the item cannot be generated from; the message names its index.
        """
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = int(index) + (len(self) if index < 0 else 0)
        if not 0 <= place < len(self):
            raise IndexError(f"index {index} is outside of a dataset of {len(self)}")
        try:
            return self._task.to_sample(self._dataset[place])
        except DataError as error:
            raise DataError(f"item {place}: {error}") from error


class Without(Sequence[Sample]):
    """Samples without some of them.

    Args:
        samples: that are there.
        left_out: indices of those that are left out.

    Example:
        >>> import torch
        >>> blank = torch.zeros(1, 2, 2, dtype=torch.uint8)
        >>> [sample.target for sample in Without([Sample(blank, label) for label in range(4)], (0, 2))]
        [1, 3]
    """

    def __init__(self, samples: Sequence[Sample], left_out: Sequence[int]) -> None:
        self._samples = samples
        self._places = np.setdiff1d(np.arange(len(samples)), left_out)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """Return the sample at ``index`` of those that are left."""
        if isinstance(index, slice):
            return [self._samples[place] for place in self._places[index].tolist()]
        return self._samples[int(self._places[index])]


def dataset_probe(samples: Sequence[Sample]) -> str:
    """Return a cheap identity of a dataset: a hash of its length and of up to 64 evenly spaced samples, hexadecimal.

    Example:
        >>> import torch
        >>> blank = Sample(torch.zeros(1, 2, 2, dtype=torch.uint8), 0)
        >>> dataset_probe([blank]) == dataset_probe([blank, blank])
        False
    """
    digest = hashlib.blake2b(str(len(samples)).encode(), digest_size=16)
    for index in spaced(len(samples), _PROBED):
        digest.update(content_hash(samples[index]))
    return digest.hexdigest()


def spaced(size: int, count: int) -> list[int]:
    """Return up to ``count`` evenly spaced, distinct places in ``range(size)``, the first and the last included."""
    return np.linspace(0, size - 1, min(size, count)).round().astype(int).tolist()


def first_item(dataset: Any) -> Any:
    """Return the first item of a map-style dataset.

    Raises:
        DataError: the dataset is empty or not map-style.
    """
    is_iterable = isinstance(dataset, IterableDataset)
    if is_iterable or not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise DataError(
            f"the dataset must be map-style, with __len__ and __getitem__, found {type(dataset).__name__}: "
            "wrap an iterable one so that its items can be read by index"
        )
    if len(dataset) == 0:
        raise DataError(f"the dataset, a {type(dataset).__name__}, is empty: check its path and split")
    return dataset[0]
