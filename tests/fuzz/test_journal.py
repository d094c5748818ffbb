"""Journals that are not what was written: none raises anything but a sentence, and none gives a wrong token."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from genaug_data.errors import ConfigError, DataError
from genaug_data.journal import BLOCK, MAGIC, JournalWriter, varint
from genaug_data.journal_reading import Journal, read_journal
from genaug_data.replay import ReplaySampler
from genaug_data.sample import KEY_BYTES, Token
from genaug_data.seeding import numpy_generator

SETTINGS = {"seed": 3, "size": 60, "ratio": 0.5, "mixing": "replace", "num_replicas": 1, "rank": 0, "shuffle": True}


def blocks(content: bytes) -> list[bytes]:
    found, place = [], len(MAGIC)
    while place < len(content):
        length, _ = BLOCK.unpack_from(content, place)
        found.append(content[place + BLOCK.size : place + BLOCK.size + length])
        place += BLOCK.size + length
    return found


def joined(parts: list[bytes]) -> bytes:
    return MAGIC + b"".join(BLOCK.pack(len(part), xxhash.xxh3_64_intdigest(part)) + part for part in parts)


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    writer = JournalWriter(tmp_path, SETTINGS, pytest.fail)
    for epoch in range(4):
        writer.begin_pass(epoch, 0)
        for number in range(30):
            writer.draw(None if number % 7 == 0 else Token(number, bytes([epoch, number % 11]) * 8))
        writer.miss([2 * epoch + 1])
    writer.close()
    return (tmp_path / writer.name).read_bytes()


def tokens(journal: Journal) -> dict[int, list[Token]]:
    replay, found = ReplaySampler(journal), {}
    for epoch in replay.epochs:
        replay.set_epoch(epoch)
        try:
            found[epoch] = list(replay)
        except ConfigError:
            continue
    return found


def test_five_thousand_damaged_journals_are_refused_or_a_part_of_what_was_written(
    content: bytes, tmp_path: Path
) -> None:
    path, random, said = tmp_path / "x", numpy_generator(1), 0
    path.write_bytes(content)
    whole = tokens(read_journal(path))
    for _ in range(5_000):
        changed = bytearray(content)
        for bit in random.integers(0, 8 * len(content), int(random.integers(1, 4))).tolist():
            changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed[: int(random.integers(len(changed)))] if random.integers(4) == 0 else changed)
        try:
            journal = read_journal(path)
        except DataError:
            continue
        said += bool(journal.damage)
        for epoch, found in tokens(journal).items():
            # An epoch may end early, and what was missed in it may be behind the damage.
            expected = whole[epoch][: len(found)]
            assert [token.index for token in found] == [token.index for token in expected]
            assert all(a == b or b.key is None for a, b in zip(found, expected, strict=True))
    assert said > 1_500


def forged(parts: list[bytes], count: int) -> Iterator[bytes]:
    """Yield journals whose blocks were changed by somebody who can work out a checksum."""
    random = numpy_generator(2)
    nasty = [varint(number) for number in (0, 1, 127, 128, 2**31, 2**32 - 1, 2**40, 2**63)] + [b"\xff" * 20]
    for _ in range(count):
        changed = list(parts)
        place = int(random.integers(len(parts)))
        part = bytearray(changed[place])
        at = int(random.integers(len(part)))
        match int(random.integers(6)):
            case 0:
                part[at] ^= 1 << int(random.integers(8))
            case 1:
                part[at : at + int(random.integers(3))] = nasty[int(random.integers(len(nasty)))]
            case 2:
                del part[at:]
            case 3:
                part[:1] = bytes(b"SPDMFX"[int(random.integers(6))] for _ in range(1))
            case 4:
                part += random.bytes(int(random.integers(1, 40)))
            case _:
                changed.insert(int(random.integers(len(changed))), bytes(part))
        changed[place] = bytes(part)
        yield joined(changed)


def test_five_thousand_forged_journals_are_refused_or_well_formed(content: bytes, tmp_path: Path) -> None:
    path, read = tmp_path / "x", 0
    for changed in forged(blocks(content), 5_000):
        path.write_bytes(changed)
        try:
            journal = read_journal(path)
        except DataError:
            continue
        size = journal.settings["size"]
        if size != 60:
            # train.replay() refuses it.
            continue
        for found in tokens(journal).values():
            read += 1
            assert len(found) <= 1_000_000
            assert all(0 <= index < size and (key is None or len(key) == KEY_BYTES) for index, key in found)
    assert read > 3_000


@pytest.mark.parametrize(
    "settings",
    [b"[" * 100_000, b"{}", b"3", b"\xff", b'{"size": 1e400}', b'{"a":' * 20_000]
    + [
        json.dumps(SETTINGS | change).encode()
        for change in ({"size": 0}, {"size": 2**70}, {"ratio": 2}, {"mixing": "x"}, {"rank": 5}, {"num_replicas": 0})
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(tmp_path: Path, settings: bytes) -> None:
    (tmp_path / "x").write_bytes(joined([b"S" + settings, b"P" + varint(0) + varint(0)]))
    with pytest.raises(DataError, match="holds nothing that can be read"):
        read_journal(tmp_path / "x")


def test_a_block_that_claims_the_most_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content + struct.pack("<IQ", 2**32 - 1, 0) + b"D")
    journal = read_journal(tmp_path / "x")
    assert journal.damage.endswith("a checksum is wrong")
    assert len(journal.draws) == 4
