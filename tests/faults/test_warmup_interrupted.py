"""Fault 15: a warm-up that is killed and run again, three times, ends with what an uninterrupted one makes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from genaug_data.cache import CacheReader, verify
from genaug_data.cache.lease import Lease
from genaug_data.errors import CacheLocked
from tests.toys import Noisy

PROGRAM = """
import signal, sys
# A shell lets its background jobs, and these tests may be one, ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from genaug_data import GenerativeAugmentDataset
from tests.faults.test_warmup_interrupted import Careful
from tests.toys import toy_base
train = GenerativeAugmentDataset(toy_base(60), cache=sys.argv[1], generator=Careful(), progress=False)
train.warmup(5)
train.close()
"""


class Careful(Noisy):
    """Takes a while for each batch, so that a signal finds it at work."""

    def generate(self, parents: list, requests: list) -> list:
        time.sleep(0.05)
        return super().generate(parents, requests)


def begin(folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder)], start_new_session=True)


def content(folder: Path) -> dict[bytes, tuple]:
    """Return every record, but for when it was made, in which time, and how near others were in the cache."""
    found = {}
    with CacheReader(folder) as reader:
        for entry in reader.entries():
            (sample,), made = reader.gather([entry.key]), json.loads(reader.provenance(entry.key).to_json())
            del made["created"], made["seconds"]
            made["verdicts"] = [(verdict["gate"], verdict["accepted"]) for verdict in made["verdicts"]]
            found[entry.key] = (sample.image.numpy().tobytes(), sample.target, entry.parent, entry.variant, made)
    return found


def stored(folder: Path) -> int:
    with CacheReader(folder) as reader:
        return reader.stats().records


def test_it_ends_with_the_same_variants_byte_for_byte(tmp_path: Path) -> None:
    whole = begin(tmp_path / "whole")
    before = 0
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        cut = begin(tmp_path / "cut")
        end = time.monotonic() + 60
        while stored(tmp_path / "cut") <= before:
            assert time.monotonic() < end
            time.sleep(0.01)
        os.killpg(cut.pid, how)
        assert cut.wait(30) != 0
        wait_for_the_writer(tmp_path / "cut")
        before = stored(tmp_path / "cut")
        assert 0 < before < 300
    assert begin(tmp_path / "cut").wait(120) == 0
    assert whole.wait(120) == 0
    assert verify(tmp_path / "cut", progress=False).damaged == ()
    found = content(tmp_path / "cut")
    assert len(found) == 300
    for key, expected in content(tmp_path / "whole").items():
        assert found[key] == expected


def wait_for_the_writer(folder: Path) -> None:
    """Wait until the generation process, which ends with its trainer, has let go of the cache."""
    end = time.monotonic() + 30
    while not is_free(folder):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_free(folder: Path) -> bool:
    try:
        Lease(folder).release()
    except CacheLocked:
        return False
    return True
