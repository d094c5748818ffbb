"""Images are read in chunks, behind a progress bar; equal ones have equal hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from genaug_data.sample import KEY_BYTES, Sample

_READ = 64


def image_hash(image: torch.Tensor) -> bytes:
    """Return 16 bytes that are equal for two images iff shape and every value are."""
    digest = hashlib.blake2b(f"{tuple(image.shape)}".encode(), digest_size=KEY_BYTES)
    digest.update(np.ascontiguousarray(image.numpy()).data)
    return digest.digest()


def places_by_shape(images: Sequence[torch.Tensor]) -> dict[torch.Size, list[int]]:
    """Return the places of the images of each shape, so that these can be stacked.

    Example:
        >>> list(places_by_shape([torch.ones(1, 2, 2), torch.ones(3, 2, 2), torch.zeros(1, 2, 2)]).values())
        [[0, 2], [1]]
    """
    places: dict[torch.Size, list[int]] = {}
    for place, image in enumerate(images):
        places.setdefault(image.shape, []).append(place)
    return places


def is_constant(image: torch.Tensor) -> bool:
    """Whether each channel has a single value."""
    flat = image.flatten(1)
    return bool((flat == flat[:, :1]).all())


def evenly_spaced(size: int, limit: int) -> np.ndarray:
    """Return at most ``limit`` indices below ``size``, int64, ascending and evenly spaced; all if they are few enough.

    Example:
        >>> evenly_spaced(10, 4).tolist()
        [0, 2, 5, 7]
    """
    count = min(size, limit)
    return np.arange(count) * size // max(count, 1)


def read_images(
    samples: Sequence[Sample], indices: np.ndarray, title: str, progress: bool, beat: Callable[[], None] | None = None
) -> Iterator[list[tuple[int, torch.Tensor]]]:
    """Read the images at ``indices`` and yield them with their index, in chunks, behind a progress bar."""
    from tqdm.auto import tqdm

    with tqdm(total=len(indices), desc=title, unit="image", delay=2, disable=not progress) as bar:
        for start in range(0, len(indices), _READ):
            chunk = indices[start : start + _READ].tolist()
            yield [(index, samples[index].image) for index in chunk]
            bar.update(len(chunk))
            if beat is not None:
                beat()
