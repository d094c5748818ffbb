"""Damage is found and removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.cache import CacheReader, CacheWriter, prune, verify
from genaug_data.errors import CacheError, ConfigError
from tests.cache.records import key_of, record


def test_flipped_bytes_on_disk_are_found_and_pruned(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    one.put([record(number, (3, 32, 32)) for number in range(4)])
    one.close()
    path = tmp_path / "cache" / "variants" / "data.mdb"
    content = bytearray(path.read_bytes())
    pixels = record(2, (3, 32, 32))[1].image.numpy().tobytes()
    place = content.find(pixels[:64])
    content[place + 100] ^= 255
    path.write_bytes(content)
    assert verify(tmp_path / "cache", progress=False).damaged == (key_of(2),)
    with CacheReader(tmp_path / "cache") as reader:
        assert [found is None for found in reader.gather([key_of(number) for number in range(4)])] == [0, 0, 1, 0]
    assert prune(tmp_path / "cache", progress=False) == 1
    assert verify(tmp_path / "cache", progress=False).damaged == ()
    assert prune(tmp_path / "cache", max_bytes=5000, progress=False) == 2
    with CacheReader(tmp_path / "cache") as reader:
        assert [entry.parent for entry in reader.entries()] == [3]


def test_there_must_be_a_cache_to_look_after(tmp_path: Path) -> None:
    for verb in (verify, prune):
        with pytest.raises(CacheError, match="there is no cache in"):
            verb(tmp_path / "nothing", progress=False)


@pytest.mark.parametrize("bound", [-5, 0])
def test_a_bound_that_cannot_be_costs_nothing(writer: Callable[..., CacheWriter], tmp_path: Path, bound: int) -> None:
    one = writer()
    one.put([record(number) for number in range(4)])
    one.close()
    with pytest.raises(ConfigError, match=f"max_bytes must be at least 1, got {bound}"):
        prune(tmp_path / "cache", max_bytes=bound, progress=False)
    assert verify(tmp_path / "cache", progress=False).records == 4
