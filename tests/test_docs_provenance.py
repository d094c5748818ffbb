"""What docs/provenance.md shows can be run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from genaug_data.cli import main
from tests.cache.exchange.variants import cache_of, contents, of_classes

TEXT = (Path(__file__).parent.parent / "docs" / "provenance.md").read_text()
COMMANDS = [line.split("  ")[0].split() for line in re.findall(r"^    genaug (.*)$", TEXT, re.MULTILINE)]


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_each_block_of_code_runs(code: str, tmp_path: Path) -> None:
    folder = cache_of(tmp_path / "cache", of_classes(*[0, 1, 2] * 4))
    names: dict[str, Any] = {"folder": folder, "out": tmp_path / "out", "copy": tmp_path / "copy"}
    exec(compile(code, "docs/provenance.md", "exec"), names)


def test_each_command_is_one_that_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = cache_of(tmp_path / "runs" / "pets", of_classes(*[0, 1, 2] * 4))
    key = next(iter(contents(folder))).hex()
    # Those with a configuration are tested with theirs; an example that is not there is forgotten all the same.
    ran = [[key if part == "8c1f" else part for part in command] for command in COMMANDS if "--config" not in command]
    assert len(ran) == 7
    for command in ran:
        assert main([*command, *(["--progress=false"] if command[1] in ("forget", "export", "import") else [])]) == 0
    assert len(contents(tmp_path / "runs" / "other")) == 12


def test_each_format_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    described = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    with pytest.raises(SystemExit):
        main(["cache", "export", "--help"])
    shown = capsys.readouterr().out
    assert described == ["imagefolder", "webdataset", "coco", "hf"]
    assert all(name in shown for name in described)
