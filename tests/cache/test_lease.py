"""One writer a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.cache import CacheWriter
from genaug_data.errors import CacheLocked
from tests.cache.records import record


def test_a_second_writer_is_refused_by_process_and_host(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    with pytest.raises(CacheLocked, match=f"is being written by process {os.getpid()} on "):
        writer()
    program = (
        "import sys; from genaug_data.cache import CacheWriter\n"
        "CacheWriter(sys.argv[1], fingerprint='f', identity='i', max_bytes=1 << 22)"
    )
    again = subprocess.run([sys.executable, "-c", program, str(tmp_path / "cache")], capture_output=True, text=True)
    assert f"is being written by process {os.getpid()} on " in again.stderr
    one.close()
    writer().put([record(1)])


def test_a_forked_process_does_not_keep_the_right_to_write(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(theirs)
        os.read(ours, 1)
        os._exit(0)
    try:
        one.close()
        writer().close()
    finally:
        os.close(theirs)
        os.close(ours)
        os.waitpid(child, 0)
