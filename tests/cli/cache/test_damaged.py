"""A cache that cannot be read reads as empty in training; who asks what it holds is told that it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheWriter
from genaug_data.cli import main
from genaug_data.sample import Provenance, Recipe, Sample

KEY = b"\x5a" * 16
MADE = Provenance(3, "ab", 1, "f", Recipe(), 77, (), 0.75)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
        writer.put([(KEY, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), MADE)])
    return tmp_path / "cache"


COMMANDS = {
    "show": ["cache", "show", "{folder}", KEY.hex()],
    "list": ["cache", "list", "{folder}"],
    "stats": ["cache", "stats", "{folder}"],
    "verify": ["cache", "verify", "{folder}", "--progress", "false"],
    "prune": ["cache", "prune", "{folder}", "--progress", "false"],
    "forget": ["cache", "forget", "{folder}", "99", "--progress", "false"],
    "export": ["cache", "export", "{folder}", "--out", "{folder}.out", "--progress", "false"],
    "report": ["report", "{folder}", "--out", "{folder}.html"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", ["cut short", "written over"])
def test_a_damaged_file_is_told_of(folder: Path, command: str, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [argument.format(folder=folder) for argument in COMMANDS[command]]
    database = folder / "variants" / "data.mdb"
    whole = database.read_bytes()
    database.write_bytes(whole[:5000] if damage == "cut short" else bytes(255 - byte for byte in whole))
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"genaug {arguments[0]}: the cache in {folder} is damaged beyond its records (")
    assert said.endswith("delete the folder's 'variants', and its variants are made again\n")
    assert len(said.splitlines()) == 1
    if command == "report":
        assert "The cache cannot be read" in Path(f"{folder}.html").read_text()
    # What it said to do, helps.
    database.write_bytes(whole)
    assert main(arguments) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_other_files_is_no_cache(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "thesis.tex").write_text("all of it")
    assert main([argument.format(folder=folder) for argument in COMMANDS[command]]) == 1
    said = capsys.readouterr().err
    assert f"there is no cache in {folder}; pass the folder that was given as cache=" in said
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
