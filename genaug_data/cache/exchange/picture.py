"""Images and masks as PNG files, lossless."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from genaug_data.errors import DataError

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_MOST_VALUES = 3 << 26
_IGNORED = 255


def to_png(image: torch.Tensor) -> bytes:
    """Return the PNG of an image.

    Args:
        image: uint8 ``(C, H, W)``; of another number of channels than 1 to 4, one stands below the other, in grey.

    Example:
        >>> image = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2)
        >>> torch.equal(from_png(to_png(image), image.shape), image)
        True
    """
    channels, height, width = image.shape
    array = image.cpu().numpy()
    if channels not in _MODES:
        return _encoded(array.reshape(channels * height, width))
    return _encoded(array[0] if channels == 1 else array.transpose(1, 2, 0))


def from_png(content: bytes, shape: Sequence[int]) -> torch.Tensor:
    """Return the image, uint8 ``(C, H, W)``, of a PNG.

    Raises:
        DataError: it is none, or of another shape.
    """
    channels, height, width = shape
    size = (width, height) if channels in _MODES else (width, channels * height)
    array = _decoded(content, size, {_MODES.get(channels, "L")})
    array = array.transpose(2, 0, 1) if array.ndim == 3 else array.reshape(channels, height, width)
    return torch.from_numpy(np.ascontiguousarray(array))


def mask_to_png(mask: torch.Tensor) -> tuple[bytes | None, bool]:
    """Return the PNG of a mask, and whether it holds every value.

    Args:
        mask: integers ``(H, W)``; up to 255 they take 8 bits, up to 65535 sixteen; negative ones, which are usual for
            ignored pixels, are shown as 255, and there is no PNG of larger ones.

    Example:
        >>> mask_to_png(torch.tensor([[0, 300]]))[1], mask_to_png(torch.tensor([[0, -100]]))[1]
        (True, False)
    """
    array = mask.numpy()
    if not array.size or array.max() > np.iinfo(np.uint16).max:
        return None, False
    if array.min() < 0:
        return _encoded(np.where(array < 0, _IGNORED, array).astype(_depth(array))), False
    return _encoded(array.astype(_depth(array))), True


def mask_from_png(content: bytes, shape: Sequence[int]) -> np.ndarray:
    """Return the values ``(H, W)`` of the PNG of a mask.

    Raises:
        DataError: it is none, or of another shape.
    """
    height, width = shape
    return _decoded(content, (width, height), {"L", "I;16"})


def _depth(array: np.ndarray) -> Any:
    return np.uint8 if array.max() <= np.iinfo(np.uint8).max else np.uint16


def _encoded(array: np.ndarray) -> bytes:
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(written, "PNG")
    return written.getvalue()


def _decoded(content: bytes, size: tuple[int, int], modes: set[str]) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            # Before any memory is taken by what a forged file says.
            if image.size != size or image.mode not in modes or math.prod(size) > _MOST_VALUES:
                raise DataError(f"it is {image.mode} of {image.size}, not {sorted(modes)} of {size}")
            return np.array(image)
    except DataError:
        raise
    except Exception as error:
        # What Pillow raises over a forged file is no list that one could write down.
        raise DataError(f"it is no PNG that can be read: {error}") from error
