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
_ALWAYS_VALUES = 1 << 24
_MOST_VALUES = 3 << 26
_MOST_SIDES = 32
_MOST_ELEMENTS = 1 << 40
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
_TORCH_DTYPES = {torch.from_numpy(np.empty(0, dtype)).dtype for dtype in _DTYPES.values()}


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
    image = _png(sample.image) if png else np.empty(0, dtype=np.uint8)
    if not png or sample.image.numel() > most_values(image.size):
        # A reader would take what is packed so densely for a bomb.
        png, image = False, np.ascontiguousarray(sample.image.numpy())
    tensors = {"image": image}
    tensors |= _target_fields(sample.target)
    text = provenance.to_json().encode()
    # Padded, so that records of one kind have the same header and the reader parses it once.
    tensors["provenance"] = np.frombuffer(text + b" " * (-len(text) % _PAD), dtype=np.uint8)
    blob = safetensors.numpy.save(tensors)
    return PREFIX.pack(MAGIC, PNG if png else RAW, checksum(key, blob)) + blob


def most_values(size: int) -> int:
    """Return how many values an image may have that is encoded in ``size`` bytes.

    Deflate packs up to a thousand bytes of zeros into one, so a small record could ask for any memory; photographs are
    packed ten times less densely than what this allows.
    """
    return min(_MOST_VALUES, max(_ALWAYS_VALUES, 100 * size))


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
        fields, end, total = {}, 0, 0
        for name, entry in entries.items():
            dtype, shape, (first, last) = _DTYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
            if not _are_sane(shape, first, last):
                raise Damaged(f"its field {name!r} has no sane shape or place")
            size = math.prod(shape)
            if last - first != size * np.dtype(dtype).itemsize:
                raise Damaged(f"its field {name!r} does not fit its header")
            fields[name] = Field(dtype, shape, start + first, size)
            end, total = max(end, last), total + last - first
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"its header cannot be read: {error}") from error
    if total != end:
        # Many fields over the same bytes would become many times the memory of the record.
        raise Damaged("its fields overlap, or leave gaps")
    _check_fields(fields, is_png)
    return Layout(fields, start + end, is_png)


def _are_sane(shape: tuple[Any, ...], first: Any, last: Any) -> bool:
    # JSON has strings, booleans and infinities too; and a side of 0 would let the others be anything.
    numbers = (*shape, first, last)
    if len(shape) > _MOST_SIDES or any(type(number) is not int or number < 0 for number in numbers):
        return False
    return max(last, math.prod(side or 1 for side in shape)) <= _MOST_ELEMENTS


def _check_fields(fields: Mapping[str, Field], is_png: bool) -> None:
    image, provenance = fields.get("image"), fields.get("provenance")
    if image is None or image.dtype is not np.uint8 or len(image.shape) != (1 if is_png else 3) or not image.size:
        raise Damaged("it holds no image")
    if provenance is None or provenance.dtype is not np.uint8:
        raise Damaged("it holds no provenance")
    annotations = [name for name in fields if name not in ("image", "provenance")]
    for name in annotations:
        if not _fits_name(name, fields[name]):
            raise Damaged(f"its field {name!r} is of another type than its name says")
    kinds = [name.partition(":")[0] for name in annotations]
    if len(kinds) > 1 and set(kinds) != {"target.named"}:
        raise Damaged(f"it has several annotations: {kinds[:2]}")


def _fits_name(name: str, field: Field) -> bool:
    kind, _, rest = name.partition(":")
    match kind:
        case "target.int":
            return field.dtype is np.int64 and field.size == 1
        case "target.text":
            return field.dtype is np.uint8 and len(field.shape) == 1
        case "target.tensor" | "target.mask" | "target.named":
            dtype = rest.partition(":")[0]
            return dtype == np.dtype(field.dtype).name or (dtype == "int64" and field.dtype is np.uint8)
    return False


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
            return {"target.text": np.frombuffer(target.encode("utf-8", "surrogatepass"), dtype=np.uint8)}
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
    if tensor.dtype not in _TORCH_DTYPES:
        raise DataError(
            f"an annotation cannot be stored as {tensor.dtype}; convert it to one of {sorted(map(str, _TORCH_DTYPES))}"
        )
    # Not ascontiguousarray, which makes a row of a single number.
    array = np.asarray(tensor.detach().cpu().numpy(), order="C")
    name = array.dtype.name
    if array.dtype == np.int64 and array.size and array.min() >= 0 and array.max() <= 255:
        return name, array.astype(np.uint8)
    return name, array
