"""What a cache must keep: what was put is read back bit for bit, within a bound, by any process."""

from __future__ import annotations

import multiprocessing
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.errors import CacheError, CacheLocked
from genaug_data.sample import Provenance, Recipe, Sample, Verdict
from genaug_data.seeding import torch_generator
from genaug_data.testing.parts import some_samples
from genaug_data.testing.rules import require, unchanged

_ROOM = 1 << 24


def check_cache(
    make_writer: Callable[[Path, int], CacheWriter],
    make_reader: Callable[[Path], CacheReader] = CacheReader,
    samples: Sequence[Sample] | None = None,
) -> None:
    """Check that a pair of writer and reader keeps the contract of the cache.

    Args:
        make_writer: opens a folder for writing, bounded to so many bytes.
        make_reader: opens a folder for reading.
        samples: to store, at least 3, of the kinds that it is for; None takes small grey ones with class ids.

    Raises:
        Violation: a rule is broken; the sentence says which.

    Example:
        >>> from functools import partial
        >>> def make(folder, room):
        ...     return CacheWriter(folder, fingerprint="f", identity="i", max_bytes=room, codec="png")
        >>> check_cache(make)
    """
    stored = list(samples) if samples is not None else some_samples(6)
    require(len(stored) >= 3, f"check_cache got {len(stored)} samples; pass at least 3")
    records = [(_key(place), sample, _made(place)) for place, sample in enumerate(stored)]
    with tempfile.TemporaryDirectory() as folder:
        _check_contents(make_writer, make_reader, Path(folder) / "cache", records)
    with tempfile.TemporaryDirectory() as folder:
        _check_bound(make_writer, make_reader, Path(folder) / "cache")


def _key(number: int) -> bytes:
    return (number + 1).to_bytes(16, "big")


def _made(parent: int) -> Provenance:
    verdicts = (Verdict("validity", 0.75, True),)
    return Provenance(parent, "ab", 2, "f", Recipe(0.5), 5, verdicts, 0.25, {"torch": "2"}, 1.5, "a \N{SNOWMAN}")


def _check_contents(
    make_writer: Callable[[Path, int], CacheWriter],
    make_reader: Callable[[Path], CacheReader],
    folder: Path,
    records: list[tuple[bytes, Sample, Provenance]],
) -> None:
    keys, absent = [key for key, _, _ in records], _key(9999)
    with make_writer(folder, _ROOM) as writer, make_reader(folder) as reader:
        require(writer.status(keys[0]) is None, "a key that was never put has a status; return None")
        with unchanged([sample for _, sample, _ in records], "put"):
            evicted = writer.put(records)
        require(evicted == [], f"{len(evicted)} variants were evicted from an empty cache; keep what there is room for")
        _check_read(reader, records, "in the process that wrote it")
        (nothing,) = reader.gather([absent])
        require(nothing is None, "a key that was never put reads as an image; return None")
        require(reader.provenance(absent) is None, "a key that was never put has a provenance; return None")
        require(writer.status(keys[0]) == "accepted", f"a stored key has the status {writer.status(keys[0])!r}")
        _check_other_process(make_reader, folder, records)
        _check_second_writer(make_writer, folder)
        writer.put(records[:1])
        count = len(reader.entries())
        require(count == len(records), f"a record that was put twice is there {count - len(records) + 1} times")
        writer.reject([(absent, _made(0))])
        require(writer.status(absent) == "rejected", f"a rejected key has the status {writer.status(absent)!r}")
        require(dict(reader.rejections()).get(absent) == _made(0), "a rejection is not read back with its verdicts")
        removed = writer.evict([keys[1], absent])
        require(removed == 1, f"evicting one stored and one unknown key removed {removed}; count those that were there")
        require(reader.gather(keys[1:2]) == [None], "an evicted variant is still read; remove it")
        require(writer.status(keys[1]) is None, f"an evicted key has the status {writer.status(keys[1])!r}")
    left = [record for record in records if record[0] != keys[1]]
    with make_writer(folder, _ROOM) as writer, make_reader(folder) as reader:
        _check_read(reader, left, "after it was closed and opened again")
        require(writer.status(absent) == "rejected", "a rejection is forgotten when the cache is closed; store it")


def _check_read(reader: CacheReader, records: list[tuple[bytes, Sample, Provenance]], where: str) -> None:
    found = reader.gather([key for key, _, _ in records])
    require(len(found) == len(records), f"{len(records)} keys gave {len(found)} results; return one for each, in order")
    for place, (one, (key, sample, made)) in enumerate(zip(found, records, strict=True)):
        require(one is not None, f"variant {place} reads as absent {where}; what was put has to be there")
        assert one is not None
        require(
            one.image.dtype == torch.uint8 and one.image.equal(sample.image),
            f"the image of variant {place} reads otherwise than it was put {where}; store it without loss",
        )
        require(
            _alike(one.target, sample.target),
            f"the annotation of variant {place} reads as {one.target!r} {where}; it was put as {sample.target!r}",
        )
        require(
            reader.provenance(key) == made,
            f"the provenance of variant {place} reads otherwise than it was put {where}; store it whole",
        )


def _alike(one: Any, other: Any) -> bool:
    if isinstance(other, torch.Tensor):
        return isinstance(one, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(other, Mapping):
        if not isinstance(one, Mapping) or set(one) != set(other):
            return False
        return all(_alike(one[name], value) for name, value in other.items())
    return type(one) is type(other) and one == other


def _check_second_writer(make_writer: Callable[[Path, int], CacheWriter], folder: Path) -> None:
    try:
        second = make_writer(folder, _ROOM)
    except CacheLocked:
        return
    except CacheError as error:
        require(False, f"a second writer was refused by {type(error).__name__}; raise CacheLocked, naming the first")
    second.close()
    require(False, "a second writer was let in while the first one writes; raise CacheLocked, naming the first")


def _check_other_process(
    make_reader: Callable[[Path], CacheReader], folder: Path, records: list[tuple[bytes, Sample, Provenance]]
) -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def read() -> None:
        try:
            with make_reader(folder) as reader:
                _check_read(reader, records, "in a forked process")
            theirs.send("")
        except BaseException as error:
            theirs.send(str(error))

    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside threads; DataLoader workers are started so all the same.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = context.Process(target=read)
        child.start()
    said = ours.recv() if ours.poll(60) else "a forked process could not read the cache within 60 s"
    child.kill()
    child.join()
    require(said == "", said)


def _check_bound(
    make_writer: Callable[[Path, int], CacheWriter], make_reader: Callable[[Path], CacheReader], folder: Path
) -> None:
    room = 1 << 16
    with make_writer(folder, room) as writer, make_reader(folder) as reader:
        put: list[bytes] = []
        gone: list[bytes] = []
        for number in range(60):
            image = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=torch_generator(number))
            put.append(_key(number))
            gone += writer.put([(put[-1], Sample(image, number), _made(number))])
            held = writer.stats().bytes
            require(held <= room, f"the cache holds {held} bytes and is bounded at {room}; evict the oldest")
        require(0 < len(gone) < len(put), f"{len(gone)} of {len(put)} variants had to leave; keep as many as fit")
        require(gone == put[: len(gone)], "others than the oldest variants left to make room; let the oldest go first")
        there = [key for key, found in zip(put, reader.gather(put), strict=True) if found is not None]
        require(
            there == put[len(gone) :],
            f"{len(there)} variants are there after {len(gone)} of {len(put)} were said to have left; name all that go",
        )
        counted = writer.stats().records
        require(counted == len(there), f"the cache counts {counted} variants and holds {len(there)}; keep count")
