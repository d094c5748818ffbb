"""Images as data URIs, so that a page needs no other file."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch

from genaug_data.cache.thumbnail import LARGEST, media_type, thumbnail


def data_uri(image: torch.Tensor | bytes) -> str:
    """Return the data URI of an image, at most 96 pixels large; empty where there is no pixel to show.

    Args:
        image: uint8 ``(C, H, W)``, or what :func:`~genaug_data.cache.thumbnail.thumbnail` made of one.

    Example:
        >>> data_uri(torch.zeros(1, 8, 8, dtype=torch.uint8))[:22]
        'data:image/png;base64,'
    """
    content = image if isinstance(image, bytes) else thumbnail(image)
    return f"data:{media_type(content)};base64,{base64.b64encode(content).decode()}" if content else ""


def decoded(content: bytes) -> torch.Tensor | None:
    """Return the image of a thumbnail, uint8 ``(3, H, W)``; None for bytes that are none.

    Example:
        >>> decoded(thumbnail(torch.zeros(1, 8, 8, dtype=torch.uint8))).shape
        torch.Size([3, 8, 8])
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
            if max(picture.size) > LARGEST:
                return None
            array = np.array(picture.convert("RGB"))
    except Exception:
        # What Pillow raises over a forged file is no list that one could write down.
        return None
    return torch.from_numpy(array).permute(2, 0, 1)
