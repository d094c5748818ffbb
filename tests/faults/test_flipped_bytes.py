"""Row 8: bytes of the cache flipped, the file cut short. A damaged record is never an image."""

from __future__ import annotations

import os
import random
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.errors import CacheError
from genaug_data.sample import Provenance, Recipe, Sample

KEYS = [bytes([number]) * 16 for number in range(60)]
ROUNDS = 150


def sample_of(number: int) -> Sample:
    # Every third is large enough for pages of its own, the others share theirs.
    size = 48 if number % 3 == 0 else 8
    return Sample(torch.full((1, size, size), number, dtype=torch.uint8), number)


def fill(folder: Path) -> Path:
    made = [Provenance(number, "00", 0, "f", Recipe(), 1, (), 0.5, {}, float(number)) for number in range(60)]
    with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 22) as writer:
        for start in range(0, 60, 10):
            writer.put([(KEYS[n], sample_of(n), made[n]) for n in range(start, start + 10)])
        writer.reject([(KEYS[0][::-1] + b"r", made[0])])
        writer.evict(KEYS[50:])
        writer.set_judged_by("nobody")
        writer.reject([(KEYS[0][::-1] + b"r", made[0])])
    return folder / "variants" / "data.mdb"


def in_a_fork(work: Callable[[], None]) -> int:
    """Return the wait status of a fork that does ``work``: 0, or a signal, or 1 << 8 for an exception."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc(file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def read_all(folder: Path) -> None:
    with CacheReader(folder) as reader:
        for _ in range(2):
            for number, found in enumerate(reader.gather(KEYS)):
                assert found is None or found.image.equal(sample_of(number).image), f"a wrong image for {number}"
                assert found is None or found.target == number, f"a wrong label for {number}"
        for key in KEYS:
            made = reader.provenance(key)
            assert made is None or made.parent == key[0]
        for entry in reader.entries():
            reader.gather([entry.key])
        list(reader.rejections())
        reader.stats(), reader.judged_by(), reader.damage()


def write_some(folder: Path) -> None:
    try:
        writer = CacheWriter(folder, fingerprint="f", identity="i", max_bytes=200_000)
    except CacheError:
        return
    made = Provenance(0, "00", 0, "f", Recipe(), 1, (), 0.5, {}, 1.0)
    with writer:
        writer.evict(KEYS[:20])
        for number in range(8):
            key = bytes([200 + number]) * 16
            try:
                writer.put([(key, sample_of(number), made)])
            except CacheError:
                return
            with CacheReader(folder) as reader:
                (found,) = reader.gather([key])
                assert found is not None
                assert found.image.equal(sample_of(number).image)
    read_all(folder)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes of a file with one to forty changes: bits, bytes or whole ranges, anywhere in it."""
    changed = bytearray(content)
    # Half of the rounds look for trouble: in the pages of the trees, which are few.
    pages = [page for page in range(len(content) // 4096) if content[page * 4096 + 10] in (1, 2, 8)]
    aims = chance.random() < 0.5
    for _ in range(chance.choice([1, 1, 2, 5, 40])):
        place = chance.choice(pages) * 4096 + chance.randrange(400) if aims else chance.randrange(len(content))
        match chance.randrange(3):
            case 0:
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                changed[place] = chance.randrange(256)
            case 2:
                stop = min(place + 8, len(content))
                changed[place:stop] = chance.randbytes(stop - place)
    return bytes(changed)


@pytest.mark.parametrize("work", [read_all, write_some])
def test_a_flipped_byte_anywhere_in_the_file_is_no_wrong_image_and_no_end_of_the_process(
    tmp_path: Path, work: Callable[[Path], None]
) -> None:
    path = fill(tmp_path / "cache")
    content = path.read_bytes()
    assert in_a_fork(lambda: work(tmp_path / "cache")) == 0
    for seed in range(ROUNDS):
        # A new file, as a copy from a bad disk is: a reader that has the old one open is another test's.
        path.unlink()
        path.write_bytes(damaged(content, random.Random(seed)))
        (path.parent / "lock.mdb").unlink(missing_ok=True)
        status = in_a_fork(lambda: work(tmp_path / "cache"))
        assert status == 0, f"seed {seed}: wait status {status}"
