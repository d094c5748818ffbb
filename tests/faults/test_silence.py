"""A generation process that says nothing while it has to carry something out is not waited for; an idle one may."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Callable

import pytest
import torch

from genaug_data.errors import GenaugWarning
from genaug_data.workers import Budget

# Longer than the child's imports take on a busy machine.
PATIENCE = 12.0


def ready(wrap: Callable, mode: str) -> object:
    train = wrap(mode=mode, worker="process", ratio=0.5, policy="uniform", budget=Budget(patience=PATIENCE))
    train._own().worker._backoff = 0.05
    train.warmup(1)
    return train


def test_a_process_that_stops_before_an_eviction_is_replaced(wrap: Callable) -> None:
    train = ready(wrap, "sync")
    worker, loop = train._own().worker, train._own().loop
    gone = [key for key, _, _ in loop.refresher.catalogue.items()][:3]
    os.kill(worker.process_id, signal.SIGSTOP)
    worker.evict(gone)
    end = time.monotonic() + 60
    while worker.stats().evicting and time.monotonic() < end:
        loop.collect()
        time.sleep(0.05)
    assert (worker.stats().evicting, worker.stats().restarts) == (0, 1)
    assert not {entry.key for entry in train._own().reader.entries()} & set(gone)
    with pytest.warns(GenaugWarning, match="said nothing for 12 s"):
        train.close()


def test_an_idle_process_may_be_silent_for_longer_than_patience(wrap: Callable) -> None:
    train = ready(wrap, "sync")
    account = train._own().worker._account
    # The process is there and does not have to be started again.
    account.budget = dataclasses.replace(account.budget, patience=3.0)
    with train:
        time.sleep(4)
        for images, labels, meta in train.loader(batch_size=8):
            train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
        train._own().loop.settle()
    assert train.stats()["restarts"] == 0
    assert train.stats()["accepted"] > 24
