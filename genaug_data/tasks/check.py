"""Refusing a dataset that cannot be generated from, before anything is made from it."""

from __future__ import annotations

from typing import Any

from genaug_data.errors import DataError
from genaug_data.sample import content_hash
from genaug_data.tasks.base import Task
from genaug_data.tasks.view import SampleView, first_item, spaced


def check_base(dataset: Any, task: Task, probe: int = 8) -> None:
    """Read some items of ``dataset``, each twice, and refuse what cannot be generated from.

    Args:
        dataset: the user's map-style dataset.
        task: as :func:`~genaug_data.tasks.resolve_task` returns it.
        probe: number of evenly spaced items to read.

    Raises:
        DataError: the dataset is empty or not map-style; an item is not built like the first one; a value is out of
            range, as normalised images are; two reads of an item differ, as after random augmentation.

    Example:
        >>> import torch
        >>> from genaug_data.tasks import resolve_task
        >>> dataset = [(torch.zeros(1, 8, 8), 3), (torch.ones(1, 8, 8), 5)]
        >>> check_base(dataset, resolve_task("auto", dataset))
    """
    first_item(dataset)
    samples = SampleView(dataset, task)
    for index in spaced(len(samples), probe):
        if content_hash(samples[index]) != content_hash(samples[index]):
            raise DataError(
                f"item {index} differs between two reads, so the base dataset augments randomly: "
                "take the random transforms out of it and pass them as transform= (image) or transforms= (both)"
            )
