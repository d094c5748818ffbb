"""Rows 7 and 10: a reading process is killed; variants are evicted while others read them."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genaug_data.cache import CacheReader, CacheWriter, verify
from genaug_data.sample import Provenance, Recipe, Sample
from tests.faults.scripts import running

SECONDS = 60
KEYS = [bytes([number]) * 16 for number in range(120)]


def image_of(number: int) -> torch.Tensor:
    # Small ones share pages, large ones have pages of their own.
    size = 64 if number % 4 == 0 else 12
    return torch.full((3, size, size), number, dtype=torch.uint8)


def slots(reader: CacheReader) -> set[int]:
    """Return the process ids that hold a slot in the reader table, as one who has the file open sees it."""
    lines = reader._handle._shared().environment.readers().splitlines()
    return {int(line.split()[0]) for line in lines if line.split() and line.split()[0].isdigit()}


# In a process of its own, because PyTorch raises in whatever runs when the signal of a dead worker comes.
KILLED = """
import gc, multiprocessing
train = wrap()
steps = []
def kill(step):
    steps.append(step)
    if step == 4:
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
with train:
    train.warmup()
    try:
        train_through(train, 10**6, each=kill, num_workers=2, persistent_workers=True)
    except (RuntimeError, OSError, EOFError) as error:
        print("RuntimeError" if isinstance(error, RuntimeError) else "connection", flush=True)
    assert len(steps) >= 4
    gc.collect()
    batches = train_through(train, 6, num_workers=2)
    assert sum(int(meta.synthetic.sum()) for _, _, meta in batches) == 4 * len(batches)
    assert train.stats()["restarts"] == 0
print("trained on", flush=True)
"""


def test_a_loader_worker_that_is_killed_leaves_the_cache_sound(tmp_path: Path) -> None:
    with running(KILLED, str(tmp_path / "cache")) as trainer:
        said, errors = trainer.communicate(timeout=120)
    assert trainer.returncode == 0, errors
    # PyTorch says it of the signal; what the worker was just handing over breaks off as a connection does.
    assert said.split("\n")[0] in ("RuntimeError", "connection"), said + errors
    assert said.split("\n")[1] == "trained on"
    found = verify(tmp_path / "cache", progress=False)
    assert found.records >= 24
    assert found.damaged == ()


# A worker whose bound on address space has no room for the map of the file, more than a gigabyte, once it has closed
# the one that it inherited; the trainer itself reads on.
BOUNDED = """
import multiprocessing, resource
def bound(number):
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() - (1 << 30), resource.RLIM_INFINITY))
train = wrap()
with train:
    train.warmup()
    workers = set()
    def each(step):
        workers.update(child.pid for child in multiprocessing.active_children())
    batches = train_through(train, 6, each=each, num_workers=2, persistent_workers=True, worker_init_fn=bound)
    assert not any(meta.synthetic.any() for _, _, meta in batches)
print(*workers, flush=True)
"""


def test_a_loader_worker_that_can_read_no_variant_says_so_once(tmp_path: Path) -> None:
    with running(BOUNDED, str(tmp_path / "cache")) as trainer:
        said, errors = trainer.communicate(timeout=120)
    assert trainer.returncode == 0, errors
    named = re.findall(r"GenaugWarning: process (\d+) cannot read the cache in ", errors)
    assert len(said.split()) == 2
    assert sorted(named) == sorted(said.split()), errors


def test_the_slot_of_a_reader_killed_in_the_middle_of_a_read_is_freed(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 22) as writer:
        writer.put([(KEYS[1], Sample(image_of(1), 1), Provenance(1, "00", 0, "f", Recipe(), 1, (), 0.5))])
    with CacheReader(folder) as ours:
        assert ours.stats().records == 1
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            with CacheReader(folder)._handle.transaction():
                os.write(tell, b"x")
                time.sleep(1000)
        os.read(told, 1)
        os.close(told)
        os.close(tell)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert child in slots(ours)
        # As at the start of every run. A slot that stays would keep the pages that it saw from ever being used again.
        CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 22).close()
        assert child not in slots(ours)
        assert ours.gather([KEYS[1]])[0] is not None


def _read_until_told(folder: str, stop: Any, results: Any) -> None:
    reader, wrong, right, absent, raised = CacheReader(folder), 0, 0, 0, ""
    order = np.random.default_rng(os.getpid())
    try:
        while not stop.is_set():
            numbers = order.choice(len(KEYS), 16, replace=False).tolist()
            for number, found in zip(numbers, reader.gather([KEYS[number] for number in numbers]), strict=True):
                if found is None:
                    absent += 1
                elif found.target == number and torch.equal(found.image, image_of(number)):
                    right += 1
                else:
                    wrong += 1
            # Others of these tests want the processor, too.
            time.sleep(0.001)
    except BaseException as error:
        raised = repr(error)
    results.put((wrong, raised, right, absent))


def test_eviction_while_two_processes_read_for_a_minute_shows_no_wrong_image(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    stop, results = context.Event(), context.SimpleQueue()
    folder = tmp_path / "cache"
    made = [Provenance(number, "00", 0, "f", Recipe(), 1, (), 0.5) for number in range(len(KEYS))]
    order = np.random.default_rng(0)
    # The bound holds about half of them, so that every put evicts; evict() itself takes its share.
    with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=300_000) as writer:
        readers = [context.Process(target=_read_until_told, args=(str(folder), stop, results)) for _ in range(2)]
        for reader in readers:
            reader.start()
        end, evicted = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            numbers = order.choice(len(KEYS), 12, replace=False).tolist()
            evicted += len(writer.put([(KEYS[n], Sample(image_of(n), n), made[n]) for n in numbers]))
            evicted += writer.evict([KEYS[n] for n in order.choice(len(KEYS), 3, replace=False).tolist()])
            time.sleep(0.001)
        stop.set()
        counts = [results.get() for _ in readers]
        for reader in readers:
            reader.join(30)
            reader.close()
    results.close()
    assert [(wrong, raised) for wrong, raised, _, _ in counts] == [(0, ""), (0, "")]
    assert min(right for _, _, right, _ in counts) > 1000
    assert min(absent for *_, absent in counts) > 1000
    assert evicted > 1000
    assert verify(folder, progress=False).damaged == ()
