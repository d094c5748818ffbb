from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.accuracy.notes import folder_of_notes, read_notes, write_notes


def test_notes_of_a_tiny_run_are_not_taken_for_those_of_a_real_one(tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    tiny, real = folder_of_notes(keep, "", quick=True), folder_of_notes(keep, "", quick=False)
    assert tiny != real == keep
    assert tiny.is_dir()
    assert folder_of_notes(None, str(tmp_path), quick=False) == tmp_path


def test_who_is_killed_while_writing_leaves_the_notes_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notes.json"
    assert read_notes(path) == {}
    write_notes(path, {"arm": [1.0, 2, 3.0]})
    half = Path.write_text

    def killed(self: Path, text: str) -> None:
        half(self, text[:5])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        write_notes(path, {"arm": [1.0, 2, 3.0], "other": [4.0, 5, 6.0]})
    assert read_notes(path) == {"arm": [1.0, 2, 3.0]}
