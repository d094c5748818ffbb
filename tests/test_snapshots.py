from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from genaug_data.errors import GenaugWarning
from genaug_data.gates.snapshot import Snapshot
from genaug_data.sayings import Sayings
from genaug_data.snapshots import Snapshots


class Told:
    """Stands in the place of a worker, and reads each file as it is told of it."""

    def __init__(self) -> None:
        self.read: list[Snapshot | None] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def learn(self, snapshot: Path) -> None:
        self.may_go_on.wait(10)
        self.read.append(Snapshot.read(snapshot))


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((3,), value)}


def values(worker: Told) -> list[float]:
    return [float(one.weights["weight"][0]) for one in worker.read]


def test_in_mode_sync_the_worker_is_told_before_put_returns(tmp_path: Path) -> None:
    worker = Told()
    snapshots = Snapshots(tmp_path, worker, Sayings(), at_once=True)
    assert snapshots.current is None
    for step in range(5):
        snapshots.put(weights(step), step)
        assert values(worker) == list(range(step + 1))
        assert snapshots.current == worker.read[-1].name
    assert [one.step for one in worker.read] == list(range(5))
    # The newest three.
    kept = {path.stem for path in tmp_path.iterdir()}
    assert kept == {one.name for one in worker.read[-3:]}


def test_in_mode_async_the_weights_may_change_at_once_and_only_the_newest_waits(tmp_path: Path) -> None:
    worker = Told()
    worker.may_go_on.clear()
    snapshots = Snapshots(tmp_path, worker, Sayings(), at_once=False)
    live = weights(0)
    for step in range(6):
        live["weight"].fill_(step)
        snapshots.put(live, step)
    live["weight"].fill_(99)
    worker.may_go_on.set()
    snapshots.join(20)
    told = values(worker)
    assert told[-1] == 5
    assert 99 not in told
    assert told == sorted(told)
    assert len(told) <= 3
    snapshots.put(weights(7), 7)
    snapshots.join(20)
    assert values(worker)[-1] == 7


def test_a_loaded_state_goes_on_with_its_snapshot(tmp_path: Path) -> None:
    worker, sayings = Told(), Sayings()
    name = Snapshot.of(weights(4), 4).write(tmp_path).stem
    snapshots = Snapshots(tmp_path, worker, sayings, at_once=True)
    snapshots.go_on_from(name)
    assert values(worker) == [4]
    assert snapshots.current == name
    for gone in ("0" * 32, "../" + name, "x"):
        Snapshots(tmp_path, worker, sayings, at_once=True).go_on_from(gone)
    assert len(worker.read) == 1
    with pytest.warns(GenaugWarning, match="by which gates judged when the state was saved is gone"):
        sayings.speak()


def test_a_snapshot_that_cannot_be_written_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    worker, sayings = Told(), Sayings()
    (tmp_path / "snapshots").write_text("in the way")
    Snapshots(tmp_path / "snapshots", worker, sayings, at_once=True).put(weights(1), 1)
    assert worker.read == []
    with pytest.warns(GenaugWarning, match=r"gates go on with the one before: SaveError: .* cannot be written"):
        sayings.speak()
