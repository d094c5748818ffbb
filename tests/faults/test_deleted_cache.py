"""A cache folder that is deleted under a run: training goes on, and the advice is not to make room."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheWriter
from genaug_data.errors import CacheFull, GenaugWarning
from tests.cache.records import key_of, record


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("worker", ["inline", "process"])
def test_training_goes_on_without_its_cache(wrap: Callable, tmp_path: Path, mode: str, worker: str) -> None:
    train = wrap(ratio=0.5, mode=mode, worker=worker)
    steps = 0
    with warnings.catch_warnings(record=True) as said, train:
        warnings.simplefilter("always")
        train.wait_until_ready()
        for epoch in range(6):
            if epoch == 2:
                shutil.rmtree(tmp_path / "cache", ignore_errors=True)
            for images, labels, meta in train.loader(batch_size=8):
                train.observe(meta, torch.rand(len(images)), torch.rand(len(images), 3), labels)
                steps += 1
    assert steps == 18
    sentences = [str(one.message) for one in said if one.category is GenaugWarning]
    assert not [one for one in sentences if "make room" in one or "has no room" in one]
    if mode == "sync":
        # In the other mode, the run may be over before anything was asked for.
        assert sentences


def test_whoever_writes_is_told_that_it_is_gone(tmp_path: Path) -> None:
    with CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
        writer.put([record(1)])
        shutil.rmtree(tmp_path / "cache")
        for attempt in (
            lambda: writer.put([record(2)]),
            lambda: writer.status(key_of(1)),
            lambda: writer.evict([key_of(1)]),
        ):
            with pytest.raises(
                CacheFull, match=r"is gone .*: its folder was deleted or moved while in use; put it back"
            ):
                attempt()
