"""Row 9: the file system is full, to its last page. Generation pauses, evicts and resumes; training does not notice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genaug_data.cache import verify
from tests.faults.scripts import HEAD

_MOUNTS = subprocess.run(
    ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"], capture_output=True, check=False
).returncode

# Somebody else takes what is left of the file system, to its last page.
FILL = """
def fill():
    beside = os.path.dirname(folder)
    with open(os.path.join(beside, "others"), "ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    left = os.statvfs(beside)
    assert left.f_bavail == 0, left
"""

# A file system of 6 MB, which is filled once generation has begun.
FULL = """
from genaug_data.cache import verify
warnings.simplefilter("ignore")
train = wrap(max_children=40, generator=Slow())
full = []
def each(step):
    if not full and train.stats().get("accepted", 0) >= 30:
        fill()
        full.append(train.stats()["accepted"])
with train:
    train_through(train, 20, each=each, until=lambda: bool(full), pause=0.01)
    said = lambda: " ".join(train._own().loop.sayings._sentences)
    train_through(train, 20, until=lambda: "generation pauses" in said(), pause=0.01)
    evicted = train.stats().get("evicted", 0)
    train_through(train, 20, until=lambda: train.stats().get("evicted", 0) > evicted, pause=0.01)
    print("evicted", flush=True)
    accepted = train.stats()["accepted"]
    # Into the pages that the evictions have freed, on a file system that is as full as it was.
    train_through(train, 20, until=lambda: train.stats()["accepted"] > accepted, pause=0.01)
    print("resumed", flush=True)
    assert train.stats()["restarts"] == 0
assert verify(folder, progress=False).damaged == ()
assert "the file system has no room for the cache" in said(), said()
"""


# Nothing was ever deleted here, so that the file has no page that could be used again: an eviction needs new ones.
FIRST_EVICTION = """
from genaug_data.cache import CacheWriter
from genaug_data.sample import Provenance, Recipe, Sample
import torch
made = Provenance(0, "00", 0, "f", Recipe(), 1, (), 0.5)
keys = [bytes([number]) * 16 for number in range(64)]
with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 22) as writer:
    writer.put([(key, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 1), made) for key in keys])
    fill()
    print("evicted" if writer.evict(keys) == 64 else "kept", flush=True)
    writer.put([(keys[0], Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 1), made)])
    print("resumed", flush=True)
"""
NEEDS_A_MOUNT = pytest.mark.skipif(_MOUNTS != 0, reason="no file system can be mounted here")


def assert_it_evicts_and_resumes(command: list[str]) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=150, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["evicted", "resumed"]


@NEEDS_A_MOUNT
@pytest.mark.parametrize("program", [FULL, FIRST_EVICTION], ids=["training", "first eviction"])
def test_generation_pauses_evicts_and_resumes_on_a_file_system_without_a_free_page(
    tmp_path: Path, program: str
) -> None:
    command = f'mount -t tmpfs -o size=6m tmpfs {tmp_path} && exec "$0" -c "$1" {tmp_path}/cache'
    assert_it_evicts_and_resumes(["unshare", "-rm", "sh", "-c", command, sys.executable, HEAD + FILL + program])


LIMITED = """
import resource
from dataclasses import dataclass
warnings.simplefilter("ignore")
@dataclass
class Limits(Noisy):
    # A bound on the length of the files of the generation process: writing beyond it fails as on a full disk.
    def generate(self, parents, requests):
        import os, resource
        length = os.stat(os.path.join(folder, "variants", "data.mdb")).st_size
        if resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_FSIZE, (length + 250_000, resource.RLIM_INFINITY))
        return Noisy.generate(self, parents, requests)
from genaug_data.cache import verify
train = wrap(max_children=40, generator=Limits())
said = lambda: " ".join(train._own().loop.sayings._sentences)
with train:
    train_through(train, 20, until=lambda: "generation pauses" in said(), pause=0.01)
    train_through(train, 20, until=lambda: train.stats().get("evicted", 0) > 0, pause=0.01)
    print("evicted", flush=True)
    accepted = train.stats()["accepted"]
    batches = train_through(train, 20, until=lambda: train.stats()["accepted"] > accepted, pause=0.01)
    print("resumed", flush=True)
    # What is cached goes on being shown, however often generation finds no room.
    assert all(meta.synthetic.any() for _, _, meta in batches)
    assert train.stats()["restarts"] == 0
assert verify(folder, progress=False).damaged == ()
"""


def test_generation_pauses_evicts_and_resumes_where_its_file_may_not_grow(tmp_path: Path) -> None:
    assert_it_evicts_and_resumes([sys.executable, "-c", HEAD + LIMITED, str(tmp_path / "cache")])
    assert verify(tmp_path / "cache", progress=False).records > 0
