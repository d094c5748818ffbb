from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.cli import main
from genaug_data.history import FOLDER, HistoryWriter
from tests.cache.exchange.variants import cache_of, of_classes


def test_a_cache_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = cache_of(tmp_path / "cache", of_classes(0, 1)), tmp_path / "out"
    arguments = ["cache", "export", str(folder), "--to", "imagefolder", "--out", str(out), "--progress=false"]
    assert main([*arguments, "--classes", "cat", "dog"]) == 0
    assert capsys.readouterr().out == f"2 variants written to {out}\n"
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["cat", "dog"]
    assert main(arguments) == 1
    assert "is not empty; pass a new folder" in capsys.readouterr().err
    assert main(["cache", "export", str(folder), "--to", "zip", "--out", str(out)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_names_of_classes_come_from_the_run(tmp_path: Path) -> None:
    folder, out = cache_of(tmp_path / "cache", of_classes(0, 1)), tmp_path / "out"
    history = HistoryWriter(folder / FOLDER, {"classes": ["cat", "dog"]})
    history.note({"hits": 1.0})
    history.close()
    assert main(["cache", "export", str(folder), "--out", str(out), "--progress=false"]) == 0
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["cat", "dog"]
