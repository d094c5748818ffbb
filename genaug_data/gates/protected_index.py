"""All protected images as descriptors, and the nearest of them to any image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from genaug_data.copies.perceptual import EVEN_WIDTH, describe
from genaug_data.errors import DataError
from genaug_data.sample import KEY_BYTES, Sample

_READ = 64
_CHUNK = 4096


class Nearest(NamedTuple):
    """The protected image nearest to each of N images.

    Args:
        distance: float32 ``(N,)``, in [0, 1], the lesser of as is and mirrored; exactly 0 for equal images.
        dataset: int64 ``(N,)``, which protected set.
        item: int64 ``(N,)``, which image of that set.
    """

    distance: np.ndarray
    dataset: np.ndarray
    item: np.ndarray


class ProtectedIndex:
    """Descriptors of all images of the protected sets, 1.3 KB each, compared by matrix products in chunks.

    Constant images are left out: they hold nothing that could leak.

    Args:
        protected: sequences of samples; image shapes may differ.
        progress: whether to show a bar.
        beat: called after every chunk of reads.

    Raises:
        DataError: no protected image is other than constant.

    Example:
        >>> images = [torch.eye(8).mul(255).byte().unsqueeze(0), torch.arange(64).byte().reshape(1, 8, 8)]
        >>> index = ProtectedIndex([[Sample(image, 0) for image in images]], progress=False)
        >>> nearest = index.nearest([images[1], images[0].flip(2)])
        >>> nearest.item.tolist(), nearest.distance.round(6).tolist()
        ([1, 0], [0.0, 0.0])
    """

    def __init__(
        self,
        protected: Sequence[Sequence[Sample]],
        *,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        blocks: list[torch.Tensor] = []
        origins: list[tuple[int, int]] = []
        self._exact: dict[bytes, int] = {}
        for number, samples in enumerate(protected):
            indices = np.arange(len(samples))
            for chunk in read_images(samples, indices, f"indexing protected set {number}", progress, beat):
                varied = [(index, image) for index, image in chunk if not is_constant(image)]
                for index, image in varied:
                    self._exact.setdefault(image_hash(image), len(origins))
                    origins.append((number, index))
                if varied:
                    blocks.append(describe([image for _, image in varied]))
        if not blocks:
            raise DataError("every protected image is constant; pass sets of real images as protected")
        self._origins = np.array(origins)
        self._descriptors = torch.cat(blocks)
        self._half_squares = self._descriptors.square().sum(dim=1) / 2

    def __len__(self) -> int:
        return len(self._origins)

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that stand for the set of protected images."""
        return hashlib.blake2b(b"".join(sorted(self._exact)), digest_size=16).hexdigest()

    def nearest(self, images: Sequence[torch.Tensor]) -> Nearest:
        """Find the nearest protected image to each of ``images``, uint8 ``(C, H, W)`` of any mixture of shapes."""
        queries = describe(images)
        even, odd = queries[:, :EVEN_WIDTH], queries[:, EVEN_WIDTH:]
        best = torch.full((len(queries),), -torch.inf)
        rows = torch.zeros(len(queries), dtype=torch.int64)
        for start in range(0, len(self), _CHUNK):
            block = self._descriptors[start : start + _CHUNK]
            # Mirroring negates the odd half: the better of both products is their even part plus the size of the odd.
            closeness = odd @ block[:, EVEN_WIDTH:].T
            closeness.abs_().addmm_(even, block[:, :EVEN_WIDTH].T).sub_(self._half_squares[start : start + _CHUNK])
            value, row = closeness.max(dim=1)
            better = value > best
            best[better], rows[better] = value[better], row[better] + start
        distance = (queries.square().sum(dim=1) - 2 * best).clamp(0, 1).numpy()
        for i, image in enumerate(images):
            exact = self._exact.get(image_hash(image))
            if exact is not None:
                distance[i], rows[i] = 0.0, exact
        origins = self._origins[rows.numpy()]
        return Nearest(distance, origins[:, 0], origins[:, 1])


def image_hash(image: torch.Tensor) -> bytes:
    """Return 16 bytes that are equal for two images iff shape and every value are."""
    digest = hashlib.blake2b(f"{tuple(image.shape)}".encode(), digest_size=KEY_BYTES)
    digest.update(np.ascontiguousarray(image.numpy()).data)
    return digest.digest()


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
