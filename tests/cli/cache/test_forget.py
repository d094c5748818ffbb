from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.cache import CacheReader
from genaug_data.cli import main

CONFIG = """
base: {{class_path: tests.toys.ToyDataset, init_args: {{count: 6}}}}
generator: {{class_path: tests.toys.Noisy}}
cache: {folder}
worker: inline
variants: 2
progress: false
"""


def parents_in(folder: Path) -> set[int]:
    with CacheReader(folder) as reader:
        return {entry.parent for entry in reader.entries()}


def test_nothing_is_made_again_from_a_forgotten_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, config = tmp_path / "cache", tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=folder))
    assert main(["warmup", "--config", str(config)]) == 0
    (folder / "generator").mkdir(exist_ok=True)
    (folder / "generator" / "weights").write_bytes(b"1")
    assert parents_in(folder) == {0, 1, 2, 3, 4, 5}
    capsys.readouterr()
    assert main(["cache", "forget", str(folder), "2", "4", "--progress=false"]) == 0
    said = capsys.readouterr().out
    assert "4 variants and 0 rejections deleted" in said
    assert f"{folder / 'generator'} (still there, pass --fitted to delete it)" in said
    assert parents_in(folder) == {0, 1, 3, 5}
    assert main(["warmup", "--config", str(config)]) == 0
    # Of 6 examples with 2 variants each; nothing was even asked for.
    assert "requested                8\n" in capsys.readouterr().out
    assert parents_in(folder) == {0, 1, 3, 5}
    assert main(["cache", "forget", str(folder), "2", "--fitted", "--progress=false"]) == 0
    assert "(deleted)" in capsys.readouterr().out
    assert not (folder / "generator").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no/such/folder", "1"], "there is no cache in"),
        (["no/such/folder", "--", "-1"], "an index must be a number"),
        (["no/such/folder"], "required: forget.indices"),
    ],
)
def test_what_is_wrong_ends_with_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", "forget", *arguments]) == 1
    assert sentence in capsys.readouterr().err
