from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.cache import export
from genaug_data.cli import main
from tests.cache.exchange.variants import cache_of, contents, of_classes


def test_an_export_is_imported_and_what_was_changed_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(cache_of(tmp_path / "cache", of_classes(0, 1)), tmp_path / "out", progress=False)
    arguments = ["cache", "import", str(tmp_path / "out"), "--progress=false", "--cache"]
    assert main([*arguments, str(tmp_path / "again")]) == 0
    assert capsys.readouterr().out == f"2 variants are in {tmp_path / 'again'}\n"
    assert contents(tmp_path / "again").keys() == contents(tmp_path / "cache").keys()
    path = next((tmp_path / "out" / "0001").iterdir())
    path.write_bytes(b"other")
    assert main([*arguments, str(tmp_path / "third"), "--max-bytes", "1000000"]) == 1
    said = capsys.readouterr().out
    assert "1 variants are in" in said
    assert f"left out: 0001/{path.name}: 0001/{path.name} was damaged" in said
    assert main([*arguments, str(tmp_path / "again"), "--max-bytes", "0"]) == 1
    assert "max_bytes must be at least 1" in capsys.readouterr().err
    assert main(["cache", "import", str(tmp_path / "nothing"), "--cache", str(tmp_path / "again")]) == 1
    assert "is no export of a cache" in capsys.readouterr().err
