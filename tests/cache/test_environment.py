"""One environment a process, whatever the file becomes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from genaug_data.cache import CacheReader, CacheWriter, forget, verify
from genaug_data.errors import CacheError, CacheFull, GenaugWarning
from tests.cache.records import key_of, record


def test_a_reader_sees_a_cache_that_grew_beyond_what_it_opened(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    one = writer(max_bytes=1 << 16)
    one.put([record(1)])
    one.close()
    program = (
        "import sys, time; from genaug_data.cache import CacheReader; from tests.cache.records import key_of\n"
        "reader = CacheReader(sys.argv[1])\n"
        "print(reader.gather([key_of(1)])[0] is not None, flush=True)\n"
        "sys.stdin.readline()\n"
        "print(reader.gather([key_of(7999)])[0] is not None, flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "cache")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert other.stdout.readline() == "True\n"
    two = writer(max_bytes=1 << 28)
    for start in range(0, 8000, 500):
        two.put([record(start + place, (3, 64, 64)) for place in range(500)])
    assert other.communicate("\n")[0] == "True\n"


def test_the_first_reads_of_many_threads_share_one_environment(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    one = writer()
    one.put([record(number) for number in range(4)])
    one.close()
    for _ in range(20):
        readers = [CacheReader(tmp_path / "cache") for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda reader: len(reader.gather([key_of(1), key_of(2)])), readers))
            list(pool.map(CacheReader.close, readers))
        assert found == [2] * 4


def test_a_file_that_is_no_database_reads_as_empty_and_is_refused_for_writing(tmp_path: Path) -> None:
    for content in (b"x" * 100, b"x" * 20_000, b""):
        folder = tmp_path / f"cache{len(content)}"
        with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 20) as one:
            one.put([record(1)])
        (folder / "variants" / "data.mdb").write_bytes(content)
        with CacheReader(folder) as reader:
            with pytest.warns(GenaugWarning, match=f"process {os.getpid()} cannot read the cache in {folder} ") as said:
                assert [reader.gather([key_of(1)]) for _ in range(3)] == [[None]] * 3
            assert len(said) == 1
            # A forked process has its own to say.
            child = os.fork()
            if child == 0:
                with warnings.catch_warnings(record=True) as theirs:
                    warnings.simplefilter("always")
                    reader.gather([key_of(1)]), reader.gather([key_of(1)])
                os._exit(len(theirs))
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
            assert reader.entries() == []
            assert list(reader.rejections()) == []
            assert reader.stats().records == 0
            assert reader.provenance(key_of(1)) is None
            assert reader.judged_by() is None
        if content:
            with pytest.raises(CacheError, match="cannot be opened"):
                CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 20)
            with pytest.raises(CacheError, match="is damaged beyond its records"):
                verify(folder, progress=False)


_FOLLOWS = """
import sys
from genaug_data.cache import CacheReader
from tests.cache.records import key_of
reader = CacheReader(sys.argv[1])
for line in sys.stdin:
    found = reader.gather([key_of(int(number)) for number in line.split()])
    print(len(reader.entries()), *(child is not None for child in found), repr(reader.damage()), flush=True)
"""


@pytest.mark.parametrize("commits", [3, 4, 10, 11])
def test_who_has_the_cache_open_goes_on_with_the_file_that_was_written_anew(
    writer: Callable[..., CacheWriter], tmp_path: Path, commits: int
) -> None:
    folder = tmp_path / "cache"
    for number in range(commits):
        key, sample, told = record(number)
        with writer(max_bytes=1 << 20) as one:
            one.put([(key, sample, replace(told, parent_hash=f"{number:032x}"))])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", _FOLLOWS, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    ) as other, CacheReader(folder) as ours:  # fmt: skip

        def asked(numbers: str) -> str:
            other.stdin.write(f"{numbers}\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        assert asked("0 1") == f"{commits} True True ''"
        assert len(ours.entries()) == commits
        # Twice, as the second finds the lock file of the first in use.
        for number in range(2):
            assert forget(folder, [number], progress=False).records == 1
            assert asked("0 1") == f"{commits - 1 - number} False {number == 0} ''"
            assert len(ours.entries()) == commits - 1 - number
        with writer(max_bytes=1 << 20) as two:
            two.put([record(77)])
            assert asked("77") == f"{commits - 1} True ''"
            two.evict([key_of(77)])
            assert asked("77") == f"{commits - 2} False ''"
        assert verify(folder, progress=False).damaged == ()
        other.stdin.close()
        assert other.wait(20) == 0


def test_a_writer_does_not_follow_a_file_that_is_not_its_own(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    one = writer(max_bytes=1 << 20)
    one.put([record(1)])
    shutil.copytree(folder, tmp_path / "other")
    os.replace(tmp_path / "other" / "variants" / "data.mdb", folder / "variants" / "data.mdb")
    with pytest.raises(CacheFull, match="was replaced by another one while it was written to"):
        one.put([record(2)])
    one.close()
    with writer(max_bytes=1 << 20) as two:
        two.put([record(2)])
        assert len(CacheReader(folder).entries()) == 2
