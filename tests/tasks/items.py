"""Items of every structure that is recognised."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import torch
from PIL import Image
from torchvision import tv_tensors

Pair = namedtuple("Pair", ["image", "label"])


Triple = namedtuple("Triple", ["image", "label", "name"])


RNG = np.random.default_rng(0)


PICTURE = Image.fromarray(RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8))


BYTES = torch.from_numpy(RNG.integers(0, 256, (3, 5, 7), dtype=np.uint8))


MASK = torch.from_numpy(RNG.integers(0, 4, (5, 7), dtype=np.int64))


ITEMS = {
    "tuple": (PICTURE, 3),
    "list": [BYTES, np.int64(3)],
    "namedtuple": Pair(BYTES, torch.tensor(3)),
    "dict": {"label": 3, "image": PICTURE},
    "hugging face": {"pixel_values": BYTES, "labels": torch.tensor(3)},
    "hugging face cifar": {"img": PICTURE, "label": 3},
    "ordered": OrderedDict(image=BYTES, label=3),
    "tuple with index": (BYTES, 3, 17),
    "namedtuple with name": Triple(BYTES, 3, "seven"),
    "dict with more": {"id": 4, "image": BYTES, "label": 3, "meta": {"a": 1}},
    "mask": (PICTURE, Image.fromarray(MASK.byte().numpy())),
    "mask list": [BYTES, MASK, "name"],
    "mask dict": {"image": BYTES, "mask": MASK.numpy()},
    "mask hugging face": {"pixel_values": BYTES, "labels": MASK},
    "mask label": {"image": BYTES, "label": MASK},
    "mask segmentation_mask": {"segmentation_mask": tv_tensors.Mask(MASK), "image": tv_tensors.Image(BYTES)},
    "mask annotation": {"image": PICTURE, "annotation": Image.fromarray(MASK.byte().numpy())},
}


def equal(first, second):
    """Equal in type, keys, order and value, by a plain walk."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return list(first) == list(second) and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, (tuple, list)):
        return len(first) == len(second) and all(equal(a, b) for a, b in zip(first, second, strict=True))
    if isinstance(first, (torch.Tensor, np.ndarray)):
        return first.dtype == second.dtype and np.array_equal(np.asarray(first), np.asarray(second))
    return first == second
