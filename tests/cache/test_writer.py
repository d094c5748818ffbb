"""What is put stays whole and within its bound."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.cache import CacheReader, CacheWriter, verify
from genaug_data.errors import CacheFull
from tests.cache.records import key_of, made, record, same


def test_what_is_put_can_be_read(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    records = [record(number) for number in range(5)]
    one = writer()
    assert one.put(records) == []
    one.reject([(key_of(9), made(9))])
    with CacheReader(tmp_path / "cache") as reader:
        found = reader.gather([key_of(number) for number in (3, 77, 0)])
        assert same(found[0], records[3][1])
        assert found[1] is None
        assert same(found[2], records[0][1])
        assert reader.provenance(key_of(2)) == made(2)
        assert reader.provenance(key_of(77)) is None
        assert [entry.parent for entry in reader.entries()] == [0, 1, 2, 3, 4]
        assert list(reader.rejections()) == [(key_of(9), made(9))]
        assert reader.stats() == one.stats()
    assert [one.status(key_of(number)) for number in (1, 9, 77)] == ["accepted", "rejected", None]
    assert one.evict([key_of(1), key_of(77)]) == 1
    assert one.status(key_of(1)) is None
    assert one.stats().records == 4


def test_a_record_written_again_replaces_itself(writer: Callable[..., CacheWriter]) -> None:
    one = writer()
    one.put([record(1)])
    before = one.stats()
    one.put([record(1)])
    assert one.stats() == before
    one.reject([(key_of(2), made(2))])
    one.put([record(2)])
    assert one.status(key_of(2)) == "accepted"
    assert one.stats().rejected == 0


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(4, 30))
def test_the_oldest_leave_and_the_bound_holds(tmp_path_factory: pytest.TempPathFactory, sizes: list, room: int) -> None:
    folder = tmp_path_factory.mktemp("bound")
    with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=room * 1000) as one:
        alive: list[bytes] = []
        number = 0
        for size in sizes:
            batch = [record(number + place) for place in range(size)]
            number += size
            evicted = one.put(batch)
            alive += [key for key, _, _ in batch]
            assert evicted == alive[: len(evicted)]
            alive = alive[len(evicted) :]
            assert one.stats().bytes <= room * 1000
            assert one.stats().records == len(alive)
    with CacheReader(folder) as reader:
        assert [entry.key for entry in reader.entries()] == alive
        assert sum(entry.nbytes for entry in reader.entries()) == reader.stats().bytes


def test_what_can_never_fit_is_refused(writer: Callable[..., CacheWriter]) -> None:
    one = writer(max_bytes=3000)
    one.put([record(1)])
    with pytest.raises(CacheFull, match=r"takes .* bytes, the cache is bounded at 3000; raise max_bytes"):
        one.put([record(2, shape=(3, 64, 64))])
    assert one.status(key_of(1)) == "accepted"


def test_the_file_stays_near_its_bound(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer(max_bytes=1 << 20)
    for start in range(0, 2000, 20):
        one.put([record(start + place, (3, 32, 32)) for place in range(20)])
    assert (tmp_path / "cache" / "variants" / "data.mdb").stat().st_size < 2 << 20


WRITE_FOR_EVER = """
import sys
from genaug_data.cache import CacheWriter
from tests.cache.records import record
with CacheWriter(sys.argv[1], fingerprint="f", identity="i", max_bytes=1 << 26) as writer:
    number = 0
    while True:
        writer.put([record(number + place, (3, 32, 32)) for place in range(8)])
        number += 8
        print(number, flush=True)
"""


def test_a_killed_writer_leaves_only_whole_records_and_no_lock(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path / "cache")],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    committed = 0
    for _ in range(5):
        committed = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert verify(tmp_path / "cache", progress=False).damaged == ()
    with CacheReader(tmp_path / "cache") as reader:
        found = reader.gather([key_of(number) for number in range(committed)])
        assert all(same(one, record(number, (3, 32, 32))[1]) for number, one in enumerate(found))
    with CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 26) as after:
        assert after.status(key_of(0)) == "accepted"


FILL_UP = """
import resource, sys
from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.errors import CacheFull
from tests.cache.records import key_of, record, same
folder = sys.argv[1]
with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 24) as writer:
    writer.put([record(number, (3, 32, 32)) for number in range(8)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    number = 8
    try:
        while True:
            writer.put([record(number + place, (3, 32, 32)) for place in range(8)])
            number += 8
    except CacheFull as error:
        print(error)
    reader = CacheReader(folder)
    found = reader.gather([key_of(place) for place in range(number)])
    assert all(same(one, record(place, (3, 32, 32))[1]) for place, one in enumerate(found))
    writer.evict([key_of(place) for place in range(number)])
    writer.put([record(1000)])
    print(number, writer.stats().records)
"""


def test_a_full_file_system_loses_nothing_and_is_survived(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    ended = subprocess.run(
        [sys.executable, "-c", FILL_UP, str(tmp_path / "cache")], capture_output=True, text=True, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    sentence, counts = ended.stdout.splitlines()
    assert "the file system has no room for the cache" in sentence
    assert int(counts.split()[0]) >= 16
    assert counts.split()[1] == "1"


def test_rejections_stay_within_their_bound(
    writer: Callable[..., CacheWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genaug_data.cache.writer._MOST_REJECTED", 10)
    one = writer()
    for start in range(0, 40, 4):
        one.reject([(key_of(number), made(number)) for number in range(start, start + 4)])
        assert 0 < one.stats().rejected <= 10
    one.reject([(key_of(number), made(number)) for number in range(100)])
    assert one.stats().rejected == 10
