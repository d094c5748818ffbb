"""A hundred thousand records that are not what was written: none raises, and none is a wrong image."""

from __future__ import annotations

import functools
import itertools
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping

import pytest
import torch

from genaug_data.cache.decoding import Decoder
from genaug_data.cache.record import PREFIX, encode, most_values
from genaug_data.sample import Provenance, Sample
from genaug_data.seeding import numpy_generator
from tests.fuzz.mutations import KEY, MADE, Mutant, header_of, image_of, mutants, records, repaired, with_header

SAMPLES, RECORDS = records()
_AT_ONCE = 64
_KEYS = [KEY] * _AT_ONCE


def decoder() -> Decoder:
    return Decoder()


def decode(data: bytes) -> Sample | None:
    return decoder().samples(_KEYS[:1], [memoryview(data)])[0]


def in_batches(changed: Iterator[Mutant]) -> Iterator[tuple[list[Mutant], list[Sample | None]]]:
    while batch := list(itertools.islice(changed, _AT_ONCE)):
        yield batch, decoder().samples(_KEYS[: len(batch)], [memoryview(mutant.data) for mutant in batch])


def problem(found: Sample, size: int) -> str:
    """Return what is wrong with a sample that was read from a record of ``size`` bytes; empty if nothing is."""
    image = found.image
    if image.dtype != torch.uint8 or image.dim() != 3 or not image.numel() or image.numel() > most_values(size):
        return f"the image is {image.dtype} {tuple(image.shape)}"
    parts = found.target.values() if isinstance(found.target, Mapping) else [found.target]
    for part in parts:
        if isinstance(part, torch.Tensor) and part.numel() * part.element_size() > 8 * size:
            return f"the annotation is {part.dtype} {tuple(part.shape)}"
        if not isinstance(part, (torch.Tensor, int, str)):
            return f"the annotation is a {type(part).__name__}"
    return ""


def test_sixty_thousand_damaged_records_are_nothing_or_themselves() -> None:
    lost = 0
    for batch, found in in_batches(mutants(RECORDS, 60_000, seed=1, repair=False)):
        for mutant, sample in zip(batch, found, strict=True):
            original = RECORDS[mutant.origin]
            # Three bytes of the prefix are padding, which says nothing; and a byte may be overwritten by itself.
            same = mutant.data[:5] == original[:5] and mutant.data[8:] == original[8:]
            lost += not same
            assert (sample is not None) == same, mutant
            assert sample is None or sample.image.equal(SAMPLES[mutant.origin].image), mutant
    assert lost > 55_000


def test_forty_thousand_forged_records_are_nothing_or_well_formed() -> None:
    seen: dict[str, int] = {}
    for batch, found in in_batches(mutants(RECORDS, 40_000, seed=2, repair=True)):
        for mutant, sample in zip(batch, found, strict=True):
            if sample is not None:
                assert not problem(sample, len(mutant.data)), (mutant, problem(sample, len(mutant.data)))
                seen[mutant.change] = seen.get(mutant.change, 0) + 1
    # They reach the parser, and what is well-formed comes through it.
    assert min(seen.get(change, 0) for change in ("_flip", "_overwrite", "_splice", "_lie")) > 30, seen


def test_the_provenance_of_a_forged_record_is_nothing_or_one() -> None:
    reader, read = decoder(), 0
    for mutant in mutants(RECORDS, 10_000, seed=3, repair=True):
        found = reader.provenance(KEY, memoryview(mutant.data))
        assert found is None or isinstance(found, Provenance), mutant
        read += found == MADE
    assert read > 100


@pytest.mark.parametrize(
    "text", [b"[" * 60_000, b"{}", b"[]", b"3", b'{"recipe": 3}', b'"x"', b"\xff", b'{"recipe": {}, "verdicts": [[]]}']
)
def test_a_provenance_that_is_none_reads_as_none(text: bytes) -> None:
    entries = {
        "image": {"dtype": "U8", "shape": [1, 1, 1], "data_offsets": [0, 1]},
        "provenance": {"dtype": "U8", "shape": [len(text)], "data_offsets": [1, 1 + len(text)]},
    }
    header = json.dumps(entries).encode()
    data = repaired(RECORDS[0][: PREFIX.size] + len(header).to_bytes(8, "little") + header + b"\x07" + text)
    assert decode(data) is not None
    assert decoder().provenance(KEY, memoryview(data)) is None


def forged(**changes: object) -> bytes:
    entries = json.loads(header_of(RECORDS[0]))
    return with_header(RECORDS[0], json.dumps(entries | changes).encode())


@pytest.mark.parametrize(
    "data",
    [
        with_header(RECORDS[0], b"[" * 60_000),
        with_header(RECORDS[0], b'{"image":' * 7_000),
        with_header(RECORDS[0], b'{"image": {"dtype": "U8", "shape": [Infinity, 1, 1], "data_offsets": [0, 20]}}'),
        with_header(RECORDS[0], b'{"image": {"dtype": "U8", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 0]}}'),
        forged(image={"dtype": "U8", "shape": [0, 2**62, 2**62], "data_offsets": [8, 8]}),
        forged(image={"dtype": "U8", "shape": [1, 0, 5], "data_offsets": [8, 8]}),
        forged(image={"dtype": "U8", "shape": [True, 4, 5], "data_offsets": [8, 28]}),
        forged(**{"target.named:int64:again": {"dtype": "U8", "shape": [20], "data_offsets": [8, 28]}}),
    ],
    ids=["deep list", "deep object", "infinite", "many digits", "vast and empty", "empty", "a bool", "overlap"],
)  # fmt: skip
def test_headers_that_ask_for_the_impossible_are_nothing(data: bytes) -> None:
    assert decode(data) is None
    assert decoder().provenance(KEY, memoryview(data)) is None or b"again" in data


def test_a_forged_record_does_not_take_its_kind_along() -> None:
    records = [encode(KEY, Sample(image_of((1, 4, 5), number), "text"), MADE) for number in range(3)]
    # In the middle, text that is no UTF-8, under the very header of the others.
    broken = repaired(records[1].replace(b"text", b"\xff\xfe\xfd\xfc") if records[1].count(b"text") == 1 else
                      records[1][: records[1].rindex(b"text")] + b"\xff\xfe\xfd\xfc" +
                      records[1][records[1].rindex(b"text") + 4 :])  # fmt: skip
    found = decoder().samples(_KEYS[:3], [memoryview(data) for data in (records[0], broken, records[2])])
    assert [sample is None for sample in found] == [False, True, False]
    assert found[2] is not None
    assert found[2].image.equal(image_of((1, 4, 5), 2))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + b"".join(chunks) + chunk(b"IEND", b"")


def record_with_png(image: bytes) -> bytes:
    text, end = MADE.to_json().encode(), 8 + len(image)
    entries = {
        "target.int": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        "image": {"dtype": "U8", "shape": [len(image)], "data_offsets": [8, end]},
        "provenance": {
            "dtype": "U8",
            "shape": [len(text)],
            "data_offsets": [8 + len(image), 8 + len(image) + len(text)],
        },
    }
    header = json.dumps(entries).encode()
    blob = len(header).to_bytes(8, "little") + header + bytes(8) + image + text
    return repaired(PREFIX.pack(b"GAR1", 1, 0) + blob)


@functools.cache
def hostile_pngs() -> dict[str, bytes]:
    row = zlib.compress(b"\0" + bytes(3 * 4))
    return {
        "claims 8192x8192": png(8192, 8192, chunk(b"IDAT", row)),
        "claims 60000x60000": png(60_000, 60_000, chunk(b"IDAT", row)),
        "claims 10000x10000": png(10_000, 10_000, chunk(b"IDAT", row)),
        "claims the most": png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", row)),
        "no side": png(0, 0, chunk(b"IDAT", row)),
        "two sizes": png(4, 1, chunk(b"IHDR", struct.pack(">IIBBBBB", 8000, 8000, 8, 2, 0, 0, 0)), chunk(b"IDAT", row)),
        "text bomb": png(4, 1, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)), chunk(b"IDAT", row)),
        "profile bomb": png(4, 1, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)), chunk(b"IDAT", row)),
        "bad animation": png(4, 1, chunk(b"acTL", b"\0" * 8), chunk(b"IDAT", row)),
        "short chunk": png(4, 1, chunk(b"gAMA", b""), chunk(b"IDAT", row)),
        "no pixels": png(4, 1),
        "16 bits": png(4, 1, chunk(b"IDAT", row), depth=16),
        "palette": png(4, 1, chunk(b"IDAT", row), colour=3),
        "no PNG": b"GIF89a" + bytes(60),
        "nothing": b"",
    }


def bomb(side: int) -> bytes:
    """Return a PNG of zeros that is just what it says."""
    packer, row = zlib.compressobj(9), bytes(1 + 3 * side)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return png(side, side, chunk(b"IDAT", packed))


_MEASURED = """
import sys, resource
from tests.fuzz.test_records import RECORDS, bomb, decode, hostile_pngs, record_with_png, problem, many_fields
for data in RECORDS: decode(data)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
hostile = {name: record_with_png(image) for name, image in hostile_pngs().items()} | {"fields": many_fields()}
hostile |= {str(side): record_with_png(bomb(side)) for side in (2300, 4000, 8000)}
for name, data in hostile.items():
    before, found = peak(), decode(data)
    print(f"{name}|{(peak() - before) >> 20}|{problem(found, len(data)) if found else ''}")
"""


def many_fields() -> bytes:
    """Return a record whose fields all lie over the same bytes, to be widened to eight times as many."""
    entries = json.loads(header_of(RECORDS[0]))
    entries.pop("target.int")
    place = {"dtype": "U8", "shape": [20], "data_offsets": [8, 28]}
    size = 60_000
    entries |= {
        "provenance": {"dtype": "U8", "shape": [size], "data_offsets": [28, 28 + size]},
        "image": {"dtype": "U8", "shape": [1, 4, 5], "data_offsets": place["data_offsets"]},
    }
    entries |= {
        f"target.named:int64:{number}": {"dtype": "U8", "shape": [size], "data_offsets": [28, 28 + size]}
        for number in range(600)
    }
    header = json.dumps(entries, separators=(",", ":")).encode()
    blob = len(header).to_bytes(8, "little") + header + bytes(28 + size)
    return repaired(RECORDS[0][: PREFIX.size] + blob)


def test_a_small_record_cannot_ask_for_much_memory() -> None:
    # In a process of its own, whose greatest size is not that of other tests.
    ran = subprocess.run([sys.executable, "-W", "error", "-c", _MEASURED], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    lines = [line.split("|") for line in ran.stdout.splitlines()]
    assert len(lines) == len(hostile_pngs()) + 4
    for name, grown, wrong in lines:
        assert int(grown) < 64, f"{name} took {grown} MiB"
        assert not wrong, f"{name}: {wrong}"


@pytest.mark.parametrize("name", [name for name in hostile_pngs() if "bomb" not in name])
def test_a_forged_png_is_nothing_or_the_image_that_it_says(name: str) -> None:
    found = decode(record_with_png(hostile_pngs()[name]))
    assert found is None or (name == "bad animation" and tuple(found.image.shape) == (3, 1, 4))


def test_chunks_of_a_stranger_raise_nothing() -> None:
    names = [b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"gAMA", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"fdAT",
             b"pHYs", b"cHRM", b"sRGB", b"eXIf", b"IEND", b"xxxx"]  # fmt: skip
    random, read = numpy_generator(5), 0
    row = chunk(b"IDAT", zlib.compress(b"\0" + bytes(12)))
    for _ in range(5000):
        chunks = [row]
        for _ in range(int(random.integers(1, 4))):
            name, data = names[int(random.integers(len(names)))], random.bytes(int(random.integers(0, 40)))
            data = b"a\0\0" + zlib.compress(data) if random.integers(4) == 0 else data
            chunks.insert(int(random.integers(len(chunks) + 1)), chunk(name, data))
        data = record_with_png(png(4, 1, *chunks))
        found = decode(data)
        assert found is None or not problem(found, len(data)), chunks
        read += found is not None
    assert read > 500


def test_the_smallest_sound_png_is_read() -> None:
    sound = png(4, 1, chunk(b"IDAT", zlib.compress(b"\0" + bytes(range(12)))))
    found = decode(record_with_png(sound))
    assert found is not None
    assert found.image.permute(1, 2, 0).flatten().tolist() == list(range(12))


@pytest.mark.parametrize("side", [2300, 3000])
def test_an_honest_image_that_packs_like_a_bomb_is_kept(side: int) -> None:
    image = torch.full((3, side, side), 7, dtype=torch.uint8)
    found = decode(encode(KEY, Sample(image, 1), MADE, "png"))
    assert found is not None
    assert found.image.equal(image)
