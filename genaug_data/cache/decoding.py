"""From the records of a batch to samples: one copy each, checked, headers parsed once."""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from genaug_data.cache.record import (
    MAGIC,
    PNG,
    PREFIX,
    RAW,
    Damaged,
    Field,
    Layout,
    checksum,
    most_values,
    parse_layout,
)
from genaug_data.sample import Provenance, Sample, Target

_SHORTEST = PREFIX.size + 8
_LONGEST_HEADER = 1 << 16
_IHDR = struct.Struct(">8sI4sIIBBBBB")
_CHANNELS = {0: 1, 2: 3}
_MOST_LAYOUTS = 1024
_OFFSET = 16
# Joining small records costs one call for a batch; of large ones, a fresh bytearray costs more than a call each.
_SMALL = 1 << 17


class Decoder:
    """Reads records, and keeps the layouts that it has seen by the header they were parsed from.

    Every read works out the checksum anew: bytes on a disk or in memory can change at any time. A record from a
    stranger can neither run code nor read outside itself: the types and bounds in a header are checked before anything
    is read by it.
    """

    def __init__(self) -> None:
        self._layouts: dict[tuple[int, bytes], Layout] = {}

    def samples(self, keys: Sequence[bytes], records: Sequence[Any]) -> list[Sample | None]:
        """Return a sample for each record, in order; None for one that is absent or not what was written.

        Args:
            keys: of the records.
            records: buffers that stay valid during the call, or None.
        """
        if all(records) and len(set(map(len, records))) == 1 and len(records[0]) >= _SHORTEST:
            return self._decoded(keys, records)
        samples: list[Sample | None] = [None] * len(records)
        by_length: dict[int, list[int]] = {}
        for place, record in enumerate(records):
            if record is not None and len(record) >= _SHORTEST:
                by_length.setdefault(len(record), []).append(place)
        for places in by_length.values():
            alike = self._decoded([keys[place] for place in places], [records[place] for place in places])
            for place, sample in zip(places, alike, strict=True):
                samples[place] = sample
        return samples

    def provenance(self, key: bytes, record: Any) -> Provenance | None:
        """Return the provenance in the record of a key, None if it is not what was written."""
        found = self.description(key, record)
        return None if found is None else found[0]

    def description(self, key: bytes, record: Any) -> tuple[Provenance, Target] | None:
        """Return provenance and annotation in the record of a key, None if it is not what was written."""
        if len(record) < _SHORTEST:
            return None
        row = np.frombuffer(bytearray(record), dtype=np.uint8)
        try:
            if not _is_sound(key, row):
                return None
            layout = self._layout(row)
            place = layout.fields["provenance"]
            made = Provenance.from_json(row[place.start : place.start + place.size].tobytes().decode())
            return made, _targets(row[None], layout)[0]
        except (Damaged, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def _decoded(self, keys: Sequence[bytes], records: Sequence[Any]) -> list[Sample | None]:
        block, sound = _copied(keys, records)
        rows = block.numpy()
        if sound.all():
            whole = self._all_alike(block, rows)
            if whole is not None:
                return whole
        samples: list[Sample | None] = [None] * len(records)
        left = np.flatnonzero(sound)
        while len(left):
            # Records of one kind have the same codec and header; those that differ wait for the next round.
            first = rows[left[0]]
            end = _SHORTEST + _header_length(first)
            same = rows[left, 4] == first[4]
            same &= (rows[left, PREFIX.size : end] == first[PREFIX.size : end]).all(1)
            alike, left = left[same], left[~same]
            try:
                decoded = _each(block[torch.from_numpy(alike)], self._layout(first))
            except Damaged:
                continue
            for row, sample in zip(alike.tolist(), decoded, strict=True):
                samples[row] = sample
        return samples

    def _all_alike(self, block: torch.Tensor, rows: np.ndarray) -> list[Sample | None] | None:
        """Return the samples of records of one kind, which most batches are; None if they are not, or damaged."""
        end = _SHORTEST + _header_length(rows[0])
        if not ((rows[:, 4] == rows[0, 4]).all() and (rows[:, PREFIX.size : end] == rows[0, PREFIX.size : end]).all()):
            return None
        try:
            return _samples(block, self._layout(rows[0]))  # type: ignore[return-value]
        except Damaged:
            return None

    def _layout(self, row: np.ndarray) -> Layout:
        length = _header_length(row)
        codec, start = int(row[4]), _SHORTEST + length
        if bytes(row[:4]) != MAGIC or codec not in (RAW, PNG) or length > min(_LONGEST_HEADER, len(row)):
            raise Damaged("it does not begin as a record does")
        header = row[_SHORTEST:start].tobytes()
        layout = self._layouts.get((codec, header))
        if layout is None:
            layout = parse_layout(header, start, codec == PNG)
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[codec, header] = layout
        if layout.size != len(row):
            raise Damaged(f"it has {len(row)} bytes instead of {layout.size}")
        return layout


def _header_length(row: np.ndarray) -> int:
    return int.from_bytes(row[PREFIX.size : PREFIX.size + 8].tobytes(), "little")


def _is_sound(key: bytes, row: np.ndarray) -> bool:
    return int.from_bytes(row[8 : PREFIX.size].tobytes(), "little") == checksum(key, row[PREFIX.size :].data)


def _copied(keys: Sequence[bytes], records: Sequence[Any]) -> tuple[torch.Tensor, np.ndarray]:
    """Copy records of one length into the rows of a block, and say which are sound.

    What is checked is the copy, so that nothing can change between the check and the use.
    """
    if len(records[0]) <= _SMALL:
        block = torch.frombuffer(bytearray().join(records), dtype=torch.uint8).view(len(records), -1)
        return block, np.fromiter(map(_is_sound, keys, block.numpy()), dtype=bool, count=len(records))
    # Values of LMDB start 16 bytes into a page; a copy is an eighth faster where its two ends lie alike in theirs.
    room = -(-(len(records[0]) + _OFFSET) // mmap.PAGESIZE) * mmap.PAGESIZE
    whole = torch.empty(len(records) * room + mmap.PAGESIZE, dtype=torch.uint8)
    first = _OFFSET - whole.data_ptr() % mmap.PAGESIZE
    first += mmap.PAGESIZE if first < 0 else 0
    block = whole[first : first + len(records) * room].view(len(records), room)[:, : len(records[0])]
    sound = np.empty(len(records), dtype=bool)
    for place, (key, record, row) in enumerate(zip(keys, records, block.numpy(), strict=True)):
        row.data[:] = record
        # At once, while the row is in the processor's cache.
        sound[place] = _is_sound(key, row)
    return block, sound


def _each(block: torch.Tensor, layout: Layout) -> Sequence[Sample | None]:
    """Return the samples of the rows, None for those that are damaged: they must not take the others along."""
    try:
        return _samples(block, layout)
    except Damaged:
        if len(block) == 1:
            return [None]
        return [_each(row, layout)[0] for row in block.split(1)]


def _samples(block: torch.Tensor, layout: Layout) -> list[Sample]:
    image = layout.fields["image"]
    columns = slice(image.start, image.start + image.size)
    if layout.is_png:
        images: Sequence[torch.Tensor] = [_decode_png(row[columns].numpy()) for row in block]
    else:
        images = block[:, columns].unflatten(1, image.shape).unbind()
    return list(map(Sample, images, _targets(block.numpy(), layout)))


def _targets(rows: np.ndarray, layout: Layout) -> Sequence[Target]:
    label = layout.fields.get("target.int")
    if label is not None:
        return rows[:, label.start : label.start + 8].copy().view("<i8")[:, 0].tolist()
    return [_target(row, layout) for row in rows]


def _target(row: np.ndarray, layout: Layout) -> Target:
    named = {}
    for name, place in layout.fields.items():
        kind, _, rest = name.partition(":")
        if kind == "target.text":
            try:
                return bytes(row[place.start : place.start + place.size]).decode("utf-8", "surrogatepass")
            except UnicodeDecodeError as error:
                raise Damaged(f"its text cannot be read: {error}") from error
        if kind == "target.tensor":
            return _restored(row, place, rest)
        if kind == "target.mask":
            from torchvision.tv_tensors import Mask

            return Mask(_restored(row, place, rest))
        if kind == "target.named":
            dtype, _, key = rest.partition(":")
            named[key] = _restored(row, place, dtype)
    return named


def _restored(row: np.ndarray, place: Field, dtype: str) -> torch.Tensor:
    array = np.frombuffer(row.tobytes(), place.dtype, place.size, place.start).reshape(place.shape)
    # Narrowed to bytes where it was written; anything else is a copy of what is there.
    return torch.from_numpy(array.astype(np.int64 if dtype == "int64" else place.dtype))


def _decode_png(encoded: np.ndarray) -> torch.Tensor:
    from PIL import Image

    data = encoded.tobytes()
    try:
        height, width, channels = _size_of_png(data)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.size != (width, height) or image.mode != ("L" if channels == 1 else "RGB"):
                raise Damaged(f"its image is {image.mode} of {image.size}")
            array = np.array(image)
    except Exception as error:
        # What Pillow raises over a forged file is no list that one could write down.
        raise Damaged(f"its image cannot be decoded: {error}") from error
    planes = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes))


def _size_of_png(data: bytes) -> tuple[int, int, int]:
    """Return height, width and channels, read before anything is allocated by them."""
    if len(data) < _IHDR.size:
        raise Damaged("its image has no header")
    signature, length, name, width, height, depth, colour, *_, interlaced = _IHDR.unpack_from(data)
    if (signature, length, name, depth, interlaced) != (b"\x89PNG\r\n\x1a\n", 13, b"IHDR", 8, 0):
        raise Damaged("its image does not begin as one written here does")
    channels = _CHANNELS.get(colour, 0)
    if not 0 < width * height * channels <= most_values(len(data)):
        raise Damaged(f"its image of {len(data)} bytes says that it is {width}x{height}")
    return height, width, channels
