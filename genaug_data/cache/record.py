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

_PREFIX = struct.Struct("<4sB3xQ")
_MAGIC = b"GAR1"
_RAW, _PNG = 0, 1
_RAW_UP_TO = 128
_PAD = 256
_LONGEST_HEADER = 1 << 16
_MOST_PIXELS = 1 << 26
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
    """

    fields: Mapping[str, Field]
    size: int


def encode(sample: Sample, provenance: Provenance, codec: Codec = "auto") -> bytes:
    """Return the record of a variant.

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
    return _PREFIX.pack(_MAGIC, _PNG if png else _RAW, xxhash.xxh3_64_intdigest(blob)) + blob


class Decoder:
    """Reads records; keeps the layouts it has seen.

    A record from a stranger can neither run code nor read outside itself: every bound and type in its header is checked
    before anything is read by it.
    """

    def __init__(self) -> None:
        self._layouts: dict[bytes, Layout] = {}

    def open(self, record: memoryview) -> tuple[Layout, bool]:
        """Check a record and return its layout and whether its image is encoded.

        Raises:
            Damaged: it is not what was written.
        """
        if len(record) < _PREFIX.size + 8:
            raise Damaged(f"it has {len(record)} bytes")
        magic, codec, checksum = _PREFIX.unpack_from(record)
        if magic != _MAGIC or xxhash.xxh3_64_intdigest(record[_PREFIX.size :]) != checksum:
            raise Damaged("its checksum is wrong")
        length = int.from_bytes(record[_PREFIX.size : _PREFIX.size + 8], "little")
        if length > _LONGEST_HEADER:
            raise Damaged(f"its header has {length} bytes")
        header = bytes(record[_PREFIX.size + 8 : _PREFIX.size + 8 + length])
        layout = self._layouts.get(header)
        if layout is None:
            layout = _parse(header, _PREFIX.size + 8 + length)
            if len(self._layouts) >= 1024:
                self._layouts.clear()
            self._layouts[header] = layout
        if len(record) != layout.size:
            raise Damaged(f"it has {len(record)} bytes instead of {layout.size}")
        return layout, codec == _PNG

    def target(self, record: memoryview, layout: Layout) -> Target:
        """Return the annotation of an opened record."""
        named = {}
        for name, place in layout.fields.items():
            if name == "target.int":
                return int.from_bytes(record[place.start : place.start + 8], "little", signed=True)
            if name == "target.text":
                return bytes(record[place.start : place.start + place.size]).decode()
            kind, _, rest = name.partition(":")
            if kind in ("target.tensor", "target.mask"):
                tensor = _restore(record, place, rest)
                return _mask(tensor) if kind == "target.mask" else tensor
            if kind == "target.named":
                dtype, _, key = rest.partition(":")
                named[key] = _restore(record, place, dtype)
        return named

    def provenance(self, record: memoryview, layout: Layout) -> Provenance:
        """Return the provenance of an opened record."""
        place = layout.fields["provenance"]
        return Provenance.from_json(bytes(record[place.start : place.start + place.size]).decode())


def decode_png(encoded: memoryview) -> torch.Tensor:
    """Return the image that a record holds as PNG, uint8 ``(C, H, W)``.

    Raises:
        Damaged: it is no PNG, or larger than any image of ours.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(encoded), formats=["PNG"]) as image:
            if image.width * image.height > _MOST_PIXELS or image.mode not in ("L", "RGB"):
                raise Damaged(f"its image is {image.mode} of {image.size}")
            array = np.array(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise Damaged(f"its image cannot be decoded: {error}") from error
    planes = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes))


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


def _restore(record: memoryview, place: Field, dtype: str) -> torch.Tensor:
    array = np.frombuffer(record, dtype=place.dtype, count=place.size, offset=place.start).reshape(place.shape)
    return torch.from_numpy(array.astype(np.int64 if dtype == "int64" else place.dtype))


def _mask(tensor: torch.Tensor) -> torch.Tensor:
    from torchvision.tv_tensors import Mask

    return Mask(tensor)


def _parse(header: bytes, start: int) -> Layout:
    try:
        entries = json.loads(header)
        entries.pop("__metadata__", None)
        fields, end = {}, 0
        for name, entry in entries.items():
            dtype = _DTYPES[entry["dtype"]]
            shape = tuple(int(side) for side in entry["shape"])
            first, last = (int(offset) for offset in entry["data_offsets"])
            count = math.prod(shape)
            if min(shape, default=0) < 0 or first < 0 or last - first != count * np.dtype(dtype).itemsize:
                raise Damaged(f"its field {name!r} does not fit its header")
            fields[name] = Field(dtype, shape, start + first, count)
            end = max(end, last)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"its header cannot be read: {error}") from error
    image = fields.get("image")
    if image is None or image.dtype is not np.uint8 or len(image.shape) not in (1, 3) or "provenance" not in fields:
        raise Damaged("it holds no image or no provenance")
    if "target.int" in fields and (fields["target.int"].dtype is not np.int64 or fields["target.int"].size != 1):
        raise Damaged("its class id is no integer")
    return Layout(fields, start + end)
