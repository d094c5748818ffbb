from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torchvision.tv_tensors import Mask

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.cache.lease import Lease
from genaug_data.errors import CacheError
from genaug_data.sample import Provenance, Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing import Violation, check_cache


def writer(kind: type[CacheWriter] = CacheWriter, codec: str = "auto") -> Callable[[Path, int], CacheWriter]:
    return lambda folder, room: kind(folder, fingerprint="f", identity="i", max_bytes=room, codec=codec)


def image(number: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(number))


def mixed() -> list[Sample]:
    """Return a sample of every kind that a cache has to keep."""
    boxes = {"boxes": torch.rand(2, 4, generator=torch_generator(1)), "labels": torch.tensor([1, 400])}
    return [
        Sample(image(0, 3, 9, 7), 4),
        Sample(image(1, 1, 5, 5), -(2**40)),
        Sample(image(2, 3, 6, 4), Mask(torch.arange(24).reshape(6, 4))),
        Sample(image(3, 3, 4, 130), "a cat \N{SNOWMAN}"),
        Sample(image(4, 4, 8, 8), boxes),
        Sample(image(5, 3, 8, 8), {"boxes": torch.zeros(0, 4), "crowd": torch.zeros(0, dtype=torch.bool)}),
        Sample(image(6, 3, 8, 8), torch.tensor(2.5, dtype=torch.float64)),
    ]


@pytest.mark.parametrize("codec", ["raw", "png", "auto"])
def test_ours_passes(codec: str) -> None:
    check_cache(writer(codec=codec), samples=mixed())
    check_cache(writer(codec=codec))


class Drops(CacheWriter):
    def put(self, records: Sequence[tuple[bytes, Sample, Provenance]]) -> list[bytes]:
        return super().put(records[1:])


class Loses(CacheWriter):
    def put(self, records: Sequence[tuple[bytes, Sample, Provenance]]) -> list[bytes]:
        return super().put([(key, Sample(one.image & 254, one.target), made) for key, one, made in records])


class Relabels(CacheWriter):
    def put(self, records: Sequence[tuple[bytes, Sample, Provenance]]) -> list[bytes]:
        return super().put([(key, Sample(one.image, str(one.target)), made) for key, one, made in records])


class Edits(CacheWriter):
    def put(self, records: Sequence[tuple[bytes, Sample, Provenance]]) -> list[bytes]:
        evicted = super().put(records)
        records[2][1].image.zero_()
        return evicted


class Unsigned(CacheWriter):
    def put(self, records: Sequence[tuple[bytes, Sample, Provenance]]) -> list[bytes]:
        made = records[0][2]
        return super().put([(key, one, made) for key, one, _ in records])


class Overfull(CacheWriter):
    def __init__(self, folder: Path, **arguments: object) -> None:
        super().__init__(folder, **{**arguments, "max_bytes": 1 << 22})


class EvictsSilently(CacheWriter):
    def put(self, records: Sequence[tuple[bytes, Sample, Provenance]]) -> list[bytes]:
        return super().put(records) and []


class EvictsTheNewest(CacheWriter):
    """Puts the new one at the beginning, so to speak."""

    def put(self, records: Sequence[tuple[bytes, Sample, Provenance]]) -> list[bytes]:
        gone = super().put(records)
        if gone:
            self.evict([records[-1][0]])
        return [records[-1][0]] if gone else []


class EvictsNothing(CacheWriter):
    def evict(self, keys: Sequence[bytes]) -> int:
        return 1


class Miscounts(CacheWriter):
    def evict(self, keys: Sequence[bytes]) -> int:
        return super().evict(keys) + 1


class KnowsAll(CacheWriter):
    def status(self, key: bytes) -> str:
        return "accepted"


class KnowsNothing(CacheWriter):
    def status(self, key: bytes) -> None:
        return None


class ForgetsRejections(CacheWriter):
    def reject(self, records: Sequence[tuple[bytes, Provenance]]) -> None:
        pass


class Unlocked(CacheWriter):
    """Gives the right to write back at once."""

    def __init__(self, folder: Path, **arguments: object) -> None:
        super().__init__(folder, **arguments)
        self._lease.release()


class Impolite(CacheWriter):
    def __init__(self, folder: Path, **arguments: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            Lease(folder).release()
        except CacheError:
            raise CacheError("go away") from None
        super().__init__(folder, **arguments)


class Invents(CacheReader):
    def gather(self, keys: Sequence[bytes]) -> list[Sample | None]:
        return [found or Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 0) for found in super().gather(keys)]


class Skips(CacheReader):
    def gather(self, keys: Sequence[bytes]) -> list[Sample | None]:
        return [found for found in super().gather(keys) if found is not None][1:]


class Repeats(CacheReader):
    def entries(self) -> list:
        return super().entries() * 2


class OneProcess(CacheReader):
    """Is of no use after a fork."""

    home = os.getpid()

    def gather(self, keys: Sequence[bytes]) -> list[Sample | None]:
        return super().gather(keys) if os.getpid() == self.home else [None] * len(keys)


FAULTY_WRITERS = {
    Drops: "variant 0 reads as absent in the process that wrote it",
    Loses: "the image of variant 0 reads otherwise than it was put",
    Relabels: "the annotation of variant 0 reads as '0'",
    Edits: r"put changed the sample at place \[2\] that it was handed",
    Unsigned: "the provenance of variant 1 reads otherwise than it was put",
    Overfull: r"the cache holds \d+ bytes and is bounded at 65536",
    EvictsSilently: "0 of 60 variants had to leave",
    EvictsTheNewest: "others than the oldest variants left to make room",
    EvictsNothing: "an evicted variant is still read; remove it",
    Miscounts: "evicting one stored and one unknown key removed 2",
    KnowsAll: "a key that was never put has a status; return None",
    KnowsNothing: "a stored key has the status None",
    ForgetsRejections: "a rejected key has the status None",
    Unlocked: "a second writer was let in while the first one writes",
    Impolite: "a second writer was refused by CacheError; raise CacheLocked",
}
FAULTY_READERS = {
    Invents: "a key that was never put reads as an image; return None",
    Skips: "6 keys gave 5 results; return one for each, in order",
    Repeats: "a record that was put twice is there 7 times",
    OneProcess: "variant 0 reads as absent in a forked process",
}


@pytest.mark.parametrize("kind", FAULTY_WRITERS)
def test_a_writer_that_violates_a_rule_is_caught(kind: type[CacheWriter]) -> None:
    with pytest.raises(Violation, match=FAULTY_WRITERS[kind]):
        check_cache(writer(kind))


@pytest.mark.parametrize("kind", FAULTY_READERS)
def test_a_reader_that_violates_a_rule_is_caught(kind: type[CacheReader]) -> None:
    with pytest.raises(Violation, match=FAULTY_READERS[kind]):
        check_cache(writer(), kind)
