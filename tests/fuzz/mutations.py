"""Records of every kind, and what a failing disk or a stranger makes of them; a function of the seed alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torchvision.tv_tensors import Mask

from genaug_data.cache.record import PREFIX, checksum, encode
from genaug_data.sample import Provenance, Recipe, Sample, Target, Verdict
from genaug_data.seeding import numpy_generator, torch_generator

Random = np.random.Generator

KEY = b"k" * 16
MADE = Provenance(3, "ab", 0, "f", Recipe(), 5, (Verdict("validity", 1.0, True),), 0.5, {"torch": "2"}, 1.0)
_HEADER = PREFIX.size + 8
_TELLING = b'\x00\xff\x7f\x80[]{}",:-09.eEINU8'
_NASTY: list[Any] = [
    None, True, "3", "x" * 50, -1, 0, 1, 2, 7, 255, 2**31, 2**40, 2**63, 2**64, 10**300, 0.5, 1e308, float("inf"),
    float("nan"), [], [[]], [1], [2**62, 4], [0, 2**62, 2**62], [1] * 70, [-1, -1], {}, {"dtype": "U8"}, "U8", "I8",
    "I64", "F16", "F32", "F64", "BOOL", "OBJECT", [0, 0], [0, 192], [0, 10**9], [-192, 0],
]  # fmt: skip
_NAMES = [
    "image", "provenance", "target.int", "target.text", "target.tensor:float32", "target.tensor:int64",
    "target.mask:int64", "target.mask:bool", "target.named:int64:x", "target.named:uint8:", "target.named", "", "x",
    "__metadata__", "__class__",
]  # fmt: skip


class Mutant(NamedTuple):
    """A changed record, the number of the record that it was, and what was done to it."""

    data: bytes
    origin: int
    change: str


def image_of(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(seed))


def targets() -> list[Target]:
    """Return an annotation of every kind that can be stored."""
    boxes = {"boxes": torch.rand(2, 4, generator=torch_generator(1)), "labels": torch.tensor([1, 700])}
    return [
        7,
        "a cat \N{SNOWMAN}",
        Mask(torch.arange(20).reshape(4, 5)),
        torch.tensor([[0.5, -1.0]], dtype=torch.float16),
        boxes,
        {"boxes": torch.zeros(0, 4), "crowd": torch.tensor([True, False])},
    ]


def records() -> tuple[list[Sample], list[bytes]]:
    """Return samples of every kind and their records: raw and PNG, grey and colour."""
    kinds = [
        (target, shape, codec) for target in targets() for shape in ((1, 4, 5), (3, 4, 5)) for codec in ("raw", "png")
    ]
    samples = [Sample(image_of(shape, seed), target) for seed, (target, shape, _) in enumerate(kinds)]
    return samples, [encode(KEY, sample, MADE, codec) for sample, (_, _, codec) in zip(samples, kinds, strict=True)]


def repaired(data: bytes | bytearray) -> bytes:
    """Return a record with the checksum that belongs to what is behind it, as a stranger would write it."""
    blob = bytes(data[PREFIX.size :])
    magic, codec, _ = PREFIX.unpack(bytes(data[: PREFIX.size]).ljust(PREFIX.size, b"\0"))
    return PREFIX.pack(magic, codec, checksum(KEY, blob)) + blob


def with_header(data: bytes, header: bytes) -> bytes:
    """Return a record whose safetensors header is ``header``, with its length and the right checksum."""
    tensors = data[_HEADER + _header_length(data) :]
    return repaired(data[: PREFIX.size] + len(header).to_bytes(8, "little") + header + tensors)


def header_of(data: bytes) -> bytes:
    return data[_HEADER : _HEADER + _header_length(data)]


def mutants(originals: list[bytes], count: int, seed: int, *, repair: bool) -> Iterator[Mutant]:
    """Yield ``count`` changed records; with their checksums made right again if ``repair``."""
    random = numpy_generator(seed)
    changes: list[Callable[[bytes, list[bytes], Random], bytes]] = [_flip, _overwrite, _truncate, _extend]
    if repair:
        changes += [_splice, _lie, _lie]
    for _ in range(count):
        origin, change = int(random.integers(len(originals))), changes[int(random.integers(len(changes)))]
        data = change(originals[origin], originals, random)
        yield Mutant(repaired(data) if repair and len(data) > PREFIX.size else data, origin, change.__name__)


def _header_length(data: bytes) -> int:
    return int.from_bytes(data[PREFIX.size : _HEADER], "little")


def _flip(data: bytes, _: list[bytes], random: Random) -> bytes:
    changed = bytearray(data)
    for bit in random.integers(0, 8 * len(data), int(random.integers(1, 9))).tolist():
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _overwrite(data: bytes, _: list[bytes], random: Random) -> bytes:
    changed = bytearray(data)
    # Half of them in the header, where a byte means most.
    end = len(data) if random.integers(2) else min(len(data), _HEADER + _header_length(data))
    start, length = int(random.integers(end)), int(random.integers(1, 9))
    telling = bytes(_TELLING[place] for place in random.integers(0, len(_TELLING), length))
    changed[start : start + length] = telling[: len(data) - start]
    return bytes(changed)


def _truncate(data: bytes, _: list[bytes], random: Random) -> bytes:
    return data[: int(random.integers(len(data)))]


def _extend(data: bytes, _: list[bytes], random: Random) -> bytes:
    return data + bytes(int(random.integers(1, 40))) if random.integers(2) else data + random.bytes(9)


def _splice(data: bytes, originals: list[bytes], random: Random) -> bytes:
    return with_header(data, header_of(originals[int(random.integers(len(originals)))]))


def _lie(data: bytes, _: list[bytes], random: Random) -> bytes:
    entries = json.loads(header_of(data))
    for _ in range(int(random.integers(1, 3))):
        name = str(random.choice(list(entries) or _NAMES))
        value = copy.deepcopy(_NASTY[int(random.integers(len(_NASTY)))])
        match int(random.integers(6)):
            case 0:
                entries[str(random.choice(_NAMES))] = entries.pop(name, value)
            case 1:
                entries[str(random.choice(_NAMES))] = value if random.integers(2) else copy.deepcopy(entries.get(name))
            case 2:
                entries[name] = value
            case _:
                if isinstance(entries.get(name), dict):
                    part = str(random.choice(["dtype", "shape", "data_offsets"]))
                    held = entries[name].get(part)
                    if isinstance(held, list) and held and random.integers(2):
                        held[int(random.integers(len(held)))] = value
                    else:
                        entries[name][part] = value
    return with_header(data, json.dumps(entries).encode())
