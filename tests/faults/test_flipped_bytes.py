"""Row 8: bytes of the cache flipped, the file cut short. A damaged record is never an image."""

from __future__ import annotations

import os
import random
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheReader, CacheWriter, verify
from genaug_data.cli.main import main
from genaug_data.errors import CacheError, GenaugWarning
from genaug_data.sample import Provenance, Recipe, Sample
from tests.faults.following import train_through
from tests.toys import toy_base

KEYS = [bytes([number]) * 16 for number in range(60)]
ROUNDS = 80


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
            # A reader says why it can read nothing.
            warnings.filterwarnings("ignore", ".* cannot read the cache in ", GenaugWarning)
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


def flip(path: Path, keys: list[bytes], reader: CacheReader) -> None:
    """Flip one bit of the image of each of these records, in the file."""
    content = bytearray(path.read_bytes())
    for sample in reader.gather(keys):
        pixels, place = sample.image.numpy().tobytes(), -1
        # Also in pages that are no longer in use.
        while (place := content.find(pixels, place + 1)) >= 0:
            content[place + 11] ^= 4
    path.write_bytes(content)


def test_damage_is_reported_dropped_at_the_next_start_and_made_again_byte_for_byte(
    wrap: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = wrap(policy="uniform", ratio=0.5)
    first.warmup(2)
    first.close()
    folder = tmp_path / "cache"
    with CacheReader(folder) as reader:
        keys = [entry.key for entry in reader.entries()]
        before = reader.gather(keys)
        flip(folder / "variants" / "data.mdb", keys[3:6], reader)
        # The reader has the file open, and has read these records before.
        assert [found is None for found in reader.gather(keys)] == [3 <= place < 6 for place in range(48)]
    assert main(["cache", "verify", str(folder), "--progress", "false"]) == 1
    said = capsys.readouterr().out
    assert "48 records, 3 damaged" in said
    assert all(key.hex() in said for key in keys[3:6])
    second = wrap(policy="uniform", ratio=0.5)
    second.wait_until_ready()
    assert second.stats()["cached"] == 45
    assert second.warmup(2)["accepted"] == 3
    second.close()
    assert main(["cache", "verify", str(folder), "--progress", "false"]) == 0
    with CacheReader(folder) as reader:
        after = reader.gather(keys)
    assert all(new.image.equal(old.image) and new.target == old.target for new, old in zip(after, before, strict=True))


def test_damage_in_the_middle_of_training_shows_the_real_example_instead(wrap: Callable, tmp_path: Path) -> None:
    base = toy_base(24)
    train = wrap(base, policy="uniform", ratio=0.5, max_children=1)
    with train:
        train.warmup()
        path = tmp_path / "cache" / "variants" / "data.mdb"
        assert sum(int(meta.synthetic.sum()) for *_, meta in train.loader(batch_size=8)) == 12
        with CacheReader(tmp_path / "cache") as reader:
            flip(path, [entry.key for entry in reader.entries()], reader)
        for images, labels, meta in train.loader(batch_size=8):
            assert len(images) == 8
            assert not meta.synthetic.any()
            for image, label, index in zip(images, labels, meta.index, strict=True):
                assert torch.equal(image, base[int(index)][0])
                assert int(label) == base[int(index)][1]


def test_a_run_trains_on_real_examples_where_the_trees_of_the_file_are_damaged(wrap: Callable, tmp_path: Path) -> None:
    first = wrap(policy="uniform", ratio=0.5)
    first.warmup(2)
    first.close()
    path = tmp_path / "cache" / "variants" / "data.mdb"
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        if content[page * 4096 + 10] in (1, 2):
            # Where its nodes begin: LMDB would read far outside the page.
            content[page * 4096 + 16 : page * 4096 + 40] = b"\xff" * 24
    path.write_bytes(content)
    with pytest.raises(CacheError, match="is damaged beyond its records"):
        verify(tmp_path / "cache", progress=False)
    second = wrap(mode="async", worker="process", policy="uniform", ratio=0.5)
    with pytest.warns(match=r"training goes on with real samples alone: .* cannot be opened \(a node of page"), second:
        train_through(second, 20, until=lambda: second.stats()["worker"] == "broken", pause=0.03)
