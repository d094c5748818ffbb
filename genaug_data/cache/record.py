"""The bytes of a record: a checksum, then a safetensors blob with image, annotation and provenance."""

from __future__ import annotations

import io
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import safetensors.numpy
import torch
import xxhash

from genaug_data.errors import DataError
from genaug_data.sample import Provenance, Sample, Target

Codec = Literal["auto", "raw", "png"]
"""How an image is stored; "auto" is raw up to 128 pixels and PNG above, both lossless."""

PREFIX = struct.Struct("<4sB3xQ")
"""Magic, codec, and the checksum of everything behind."""
MAGIC = b"GAR1"
RAW, PNG = 0, 1
_RAW_UP_TO = 128
_PAD = 256
_DTYPES = {
    "U8": np.uint8,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
    "BOOL": np.bool_,
}


class Damaged(Exception):
    """A record is not what was written; never leaves the cache."""


class Field(NamedTuple):
    """Where a tensor lies in a record, and how many elements it has."""

    dtype: Any
    shape: tuple[int, ...]
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies in the records of one kind; parsed once and kept by the bytes it was parsed from.

    Args:
        fields: by name.
        size: of the whole record.
        is_png: whether the image is encoded.
    """

    fields: Mapping[str, Field]
    size: int
    is_png: bool


def checksum(key: bytes, blob: Any) -> int:
    """Return the xxh3 of what stands behind the prefix, seeded with the key that the record is stored under.

    So a sound record that is found under a key of another one, because a page of the file's tree is damaged, say, is no
    sound record.

    Args:
        key: of the record.
        blob: any buffer.

    Example:
        >>> checksum(b"one", b"blob") == checksum(b"two", b"blob")
        False
    """
    return xxhash.xxh3_64_intdigest(blob, seed=xxhash.xxh3_64_intdigest(key))


def encode(key: bytes, sample: Sample, provenance: Provenance, codec: Codec = "auto") -> bytes:
    """Return the record of a variant, which can be read under its key alone.

    Raises:
        DataError: the annotation is of a kind that cannot be stored.
    """
    sides, channels = sample.image.shape[1:], sample.image.shape[0]
    png = codec == "png" or (codec == "auto" and max(sides) > _RAW_UP_TO)
    png = png and channels in (1, 3)
    tensors = {"image": _png(sample.image) if png else np.ascontiguousarray(sample.image.numpy())}
    tensors |= _target_fields(sample.target)
    text = provenance.to_json().encode()
    # Padded, so that records of one kind have the same header and the reader parses it once.
    tensors["provenance"] = np.frombuffer(text + b" " * (-len(text) % _PAD), dtype=np.uint8)
    blob = safetensors.numpy.save(tensors)
    return PREFIX.pack(MAGIC, PNG if png else RAW, checksum(key, blob)) + blob


def parse_layout(header: bytes, start: int, is_png: bool) -> Layout:
    """Return the layout that a record's safetensors header describes.

    Args:
        header: the JSON.
        start: where the tensors begin in the record.
        is_png: whether the image is encoded.

    Raises:
        Damaged: a name, type, shape or bound in it is not what :func:`encode` writes.
    """
    try:
        entries = json.loads(header)
        entries.pop("__metadata__", None)
        fields, end = {}, 0
        for name, entry in entries.items():
            dtype = _DTYPES[entry["dtype"]]
            shape = tuple(int(side) for side in entry["shape"])
            first, last = (int(offset) for offset in entry["data_offsets"])
            size = math.prod(shape)
            if min(shape, default=0) < 0 or first < 0 or last - first != size * np.dtype(dtype).itemsize:
                raise Damaged(f"its field {name!r} does not fit its header")
            fields[name] = Field(dtype, shape, start + first, size)
            end = max(end, last)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"its header cannot be read: {error}") from error
    _check_fields(fields, is_png)
    return Layout(fields, start + end, is_png)


def _check_fields(fields: Mapping[str, Field], is_png: bool) -> None:
    image, label = fields.get("image"), fields.get("target.int")
    if image is None or image.dtype is not np.uint8 or len(image.shape) != (1 if is_png else 3):
        raise Damaged("it holds no image")
    if "provenance" not in fields or fields["provenance"].dtype is not np.uint8:
        raise Damaged("it holds no provenance")
    if label is not None and (label.dtype is not np.int64 or label.size != 1):
        raise Damaged("its class id is no integer")


def _png(image: torch.Tensor) -> np.ndarray:
    from PIL import Image

    array = image[0].numpy() if len(image) == 1 else image.permute(1, 2, 0).contiguous().numpy()
    written = io.BytesIO()
    Image.fromarray(array).save(written, "PNG", compress_level=1)
    return np.frombuffer(written.getvalue(), dtype=np.uint8)


def _target_fields(target: Target) -> dict[str, np.ndarray]:
    match target:
        case bool():
            raise DataError(f"an annotation must be a class id, text, tensor or mapping, got {target}")
        case int():
            return {"target.int": np.array([target], dtype=np.int64)}
        case str():
            return {"target.text": np.frombuffer(target.encode(), dtype=np.uint8)}
        case torch.Tensor():
            kind = "mask" if type(target).__name__ == "Mask" else "tensor"
            dtype, array = _narrow(target)
            return {f"target.{kind}:{dtype}": array}
        case Mapping():
            fields = {}
            for key, value in target.items():
                dtype, array = _narrow(torch.as_tensor(value))
                fields[f"target.named:{dtype}:{key}"] = array
            return fields
    raise DataError(f"an annotation must be a class id, text, tensor or mapping, got {type(target).__name__}")


def _narrow(tensor: torch.Tensor) -> tuple[str, np.ndarray]:
    array = np.ascontiguousarray(tensor.detach().cpu().numpy())
    name = array.dtype.name
    if array.dtype == np.int64 and array.size and array.min() >= 0 and array.max() <= 255:
        return name, array.astype(np.uint8)
    return name, array
