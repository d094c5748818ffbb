"""How planted copies are altered."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

Alteration = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""From one image, uint8 ``(H, W, 3)``, to another."""

CROP, DEGREES, NOISE = 0.7, 10, 10


def copied(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Return the image as it is."""
    return image


def compressed(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Return it as JPEG of quality 30 keeps it."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer))


def brightened(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return it a tenth brighter or darker."""
    return np.clip(image * random.choice([0.9, 1.1]), 0, 255).round().astype(np.uint8)


def blurred(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Return it blurred with a deviation of one pixel."""
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1)))


def noisy(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return it with noise of 10 grey levels."""
    return np.clip(image + random.normal(0, NOISE, image.shape), 0, 255).round().astype(np.uint8)


def flipped(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Return its mirror image."""
    return np.ascontiguousarray(image[:, ::-1])


def cropped(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return 0.7 of its sides (half its area), anywhere, scaled to its size."""
    height, width = image.shape[:2]
    left, top = random.uniform(0, (1 - CROP) * np.array([width, height]))
    box = (left, top, left + CROP * width, top + CROP * height)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box=box))


def turned(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return it turned by 5 to 10 degrees to either side, with what is missing mirrored in."""
    edge = image.shape[0] // 4
    padded = Image.fromarray(np.pad(image, ((edge, edge), (edge, edge), (0, 0)), mode="reflect"))
    degrees = random.uniform(DEGREES / 2, DEGREES) * random.choice([-1, 1])
    return np.asarray(padded.rotate(degrees, Image.Resampling.BICUBIC))[edge:-edge, edge:-edge]


def pasted(image: np.ndarray, background: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return another image, twice as large, with this one somewhere in it."""
    height, width = image.shape[:2]
    larger = enlarged(background)
    top, left = random.integers(0, height + 1), random.integers(0, width + 1)
    larger[top : top + height, left : left + width] = image
    return larger


def enlarged(image: np.ndarray) -> np.ndarray:
    """Return the image twice as large."""
    height, width = image.shape[:2]
    return np.array(Image.fromarray(image).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))


ALTERATIONS: dict[str, Alteration] = {
    "copy": copied,
    "jpeg30": compressed,
    "brightness": brightened,
    "blur": blurred,
    "noise": noisy,
    "flip": flipped,
    "crop70": cropped,
    "rotate10": turned,
}
"""Of the image's own size; ``part`` is made by :func:`pasted`."""
