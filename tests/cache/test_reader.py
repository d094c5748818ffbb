"""Readers, in whatever process, see whole variants or none."""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.errors import GenaugWarning
from tests.cache.records import image_of, key_of, record, same


@pytest.mark.parametrize("size", [32, 256])
def test_bytes_flipped_while_a_reader_is_open_are_found(
    writer: Callable[..., CacheWriter], tmp_path: Path, size: int
) -> None:
    keys = [key_of(number) for number in range(4)]
    one = writer(codec="raw")
    one.put([record(number, (3, size, size)) for number in range(4)])
    with CacheReader(tmp_path / "cache") as reader:
        for _ in range(2):
            assert all(found is not None for found in reader.gather(keys))
        path = tmp_path / "cache" / "variants" / "data.mdb"
        place = path.read_bytes().find(record(2, (3, size, size))[1].image.numpy().tobytes()[:64])
        with path.open("r+b") as file:
            file.seek(place + 100)
            file.write(b"other bytes")
        assert [found is None for found in reader.gather(keys)] == [False, False, True, False]
        one.put([record(2, (3, size, size))])
        assert all(found is not None for found in reader.gather(keys))


class Pixels(Dataset):
    """Reads a cache, first in the process that made it, then in loader workers."""

    def __init__(self, folder: Path, count: int) -> None:
        self.reader, self.count = CacheReader(folder), count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.reader.gather([key_of(index)])[0].image


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_loader_workers_read_however_they_are_started(
    writer: Callable[..., CacheWriter], tmp_path: Path, method: str
) -> None:
    one = writer()
    one.put([record(number) for number in range(8)])
    pixels = Pixels(tmp_path / "cache", 8)
    assert torch.equal(pixels[3], image_of(3))
    loader = DataLoader(pixels, batch_size=2, num_workers=2, multiprocessing_context=method)
    assert torch.equal(torch.cat(list(loader)), torch.stack([image_of(number) for number in range(8)]))
    assert torch.equal(pixels[4], image_of(4))
    one.put([record(8)])


def _read_until_told(folder: str, stop: object, results: object) -> None:
    reader, wrong, right, absent = CacheReader(folder), 0, 0, 0
    while not stop.is_set():
        for number, found in enumerate(reader.gather([key_of(number) for number in range(60)])):
            absent += found is None
            good = found is not None and same(found, record(number, (3, 16, 16))[1])
            right += good
            wrong += found is not None and not good
    results.put((wrong, right, absent))


def test_readers_never_see_a_wrong_image_while_variants_come_and_go(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    one = writer(max_bytes=40_000)
    context = multiprocessing.get_context("fork")
    stop, results = context.Event(), context.Queue()
    readers = [
        context.Process(target=_read_until_told, args=(str(tmp_path / "cache"), stop, results)) for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    end = time.monotonic() + 3
    random = np.random.default_rng(0)
    while time.monotonic() < end:
        one.put([record(int(number), (3, 16, 16)) for number in random.choice(60, 8, replace=False)])
    stop.set()
    counts = [results.get(timeout=30) for _ in readers]
    for reader in readers:
        reader.join()
    assert [wrong for wrong, _, _ in counts] == [0, 0]
    assert min(right for _, right, _ in counts) > 0
    assert min(absent for _, _, absent in counts) > 0


def test_a_reader_is_pickled_by_its_folder_and_survives_closing(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    reader = CacheReader(tmp_path / "cache")
    with pytest.warns(GenaugWarning, match="cannot read the cache in .*FileNotFoundError"):
        assert reader.gather([key_of(1)]) == [None]
    assert reader.entries() == []
    assert reader.stats().records == 0
    writer().put([record(1)])
    copy = pickle.loads(pickle.dumps(reader))
    for one in (reader, copy, reader):
        assert same(one.gather([key_of(1)])[0], record(1)[1])
        one.close()
        one.close()
