from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "flowers_sd.py"


def test_a_folder_without_classes_ends_it_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train" / "rose").mkdir(parents=True)
    (tmp_path / "flat.jpg").touch()
    for train, test, named in (
        (tmp_path / "nowhere", tmp_path, "--train"),
        (tmp_path / "flat.jpg", tmp_path, "--train"),
        (tmp_path / "train" / "rose", tmp_path, "--train"),
        (tmp_path / "train", tmp_path / "test", "--test"),
    ):
        monkeypatch.setattr(sys, "argv", ["flowers_sd.py", "--train", str(train), "--test", str(test)])
        with pytest.raises(SystemExit, match=f"^{named} must hold a folder of images for each class, found none in /"):
            runpy.run_path(str(SCRIPT), run_name="__main__")
