from __future__ import annotations

from pathlib import Path

import torch

from genaug_data.gates.snapshot import Snapshot


def weights() -> dict[str, torch.Tensor]:
    return {
        "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "count": torch.tensor(7),
        "slanted": torch.arange(6.0).reshape(2, 3).T,
    }


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written = Snapshot.of(weights(), step=12)
    path = written.write(tmp_path / "snapshots")
    read = Snapshot.read(path)
    assert path.name == f"{written.name}.safetensors"
    assert read is not None
    assert (read.name, read.step, set(read.weights)) == (written.name, 12, set(weights()))
    for name, value in weights().items():
        assert read.weights[name].dtype == value.dtype
        assert torch.equal(read.weights[name], value)


def test_the_name_follows_from_the_weights_and_memory_is_not_shared() -> None:
    source = weights()
    one = Snapshot.of(source, step=1)
    assert Snapshot.of(weights(), step=2).name == one.name
    source["slanted"] += 1
    assert Snapshot.of(source, step=1).name != one.name
    assert torch.equal(one.weights["slanted"], weights()["slanted"])


def test_a_file_that_is_gone_or_damaged_is_no_snapshot(tmp_path: Path) -> None:
    assert Snapshot.read(tmp_path / "none.safetensors") is None
    path = Snapshot.of(weights(), step=1).write(tmp_path)
    path.write_bytes(path.read_bytes()[:40])
    assert Snapshot.read(path) is None
