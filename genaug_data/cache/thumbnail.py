"""An image made small, as bytes that any browser shows."""

from __future__ import annotations

import io

import torch

LARGEST = 96
"""Pixels of the longest side, at most."""
_LOSSLESS_UP_TO = 40
_MOST_BYTES = 1 << 16
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def thumbnail(image: torch.Tensor) -> bytes:
    r"""Return a PNG of an image of up to 40 pixels, or a JPEG of at most 96 pixels of a larger one.

    Args:
        image: uint8 ``(C, H, W)``; of another number of channels than 1 and 3, the first is shown.

    Returns:
        The encoded picture; no bytes where there is no pixel to show.

    Example:
        >>> thumbnail(torch.zeros(3, 512, 256, dtype=torch.uint8))[:3]
        b'\xff\xd8\xff'
    """
    from PIL import Image

    if image.ndim != 3 or not image.numel():
        return b""
    planes = image if image.shape[0] == 3 else image[:1]
    array = planes.permute(1, 2, 0).contiguous().cpu().numpy()
    picture = Image.fromarray(array if len(planes) == 3 else array[:, :, 0])
    written = io.BytesIO()
    if max(picture.size) <= _LOSSLESS_UP_TO:
        picture.save(written, "PNG")
    else:
        picture.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
        picture.save(written, "JPEG", quality=85)
    return written.getvalue()


def is_thumbnail(content: bytes) -> bool:
    """Return whether bytes may be what :func:`thumbnail` returned: PNG or JPEG, and small.

    Example:
        >>> is_thumbnail(thumbnail(torch.zeros(1, 8, 8, dtype=torch.uint8))), is_thumbnail(b"<svg>")
        (True, False)
    """
    return content.startswith((_PNG, _JPEG)) and len(content) <= _MOST_BYTES


def media_type(content: bytes) -> str:
    """Return the media type of what :func:`thumbnail` returned.

    Example:
        >>> media_type(thumbnail(torch.zeros(1, 8, 8, dtype=torch.uint8)))
        'image/png'
    """
    return "image/png" if content.startswith(_PNG) else "image/jpeg"
