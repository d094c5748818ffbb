from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from genaug_data.history import HistoryWriter, read_history


def test_what_was_noted_is_read_back_in_order(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "new", {"ratio": 0.25})
    rows = [{"step": float(step), "loss": step / 3, "nothing": float("nan")} for step in range(5)]
    for row in rows:
        writer.note(row)
    writer.summarise({"said": ["x"]})
    writer.close()
    found = read_history(tmp_path / "new")
    assert found.settings == {"ratio": 0.25}
    assert [row["step"] for row in found.rows] == [0, 1, 2, 3, 4]
    assert found.column("loss") == [(step, pytest.approx(step / 3, rel=1e-5)) for step in range(5)]
    assert "nothing" not in found.rows[0]
    assert found.summary == {"said": ["x"]}
    assert found.damaged == 0


def test_a_file_is_bounded_and_still_tells_of_the_whole_run(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path, {})
    kept = 0
    for step in range(5000):
        if writer.is_due:
            writer.note({"step": float(step)})
            kept += 1
        else:
            writer.skip()
    writer.close()
    (path,) = tmp_path.iterdir()
    assert len(path.read_text().splitlines()) <= 1001
    steps = [row["step"] for row in read_history(tmp_path).rows]
    # Evenly over the whole run, and fewer figures were worked out than there were notes.
    gaps = {after - before for before, after in itertools.pairwise(steps)}
    assert steps[0] == 0
    assert steps[-1] > 4980
    assert len(steps) > 400
    assert len(gaps) == 1
    assert kept < 2500


def test_the_newest_eight_runs_stay(tmp_path: Path) -> None:
    for number in range(10):
        writer = HistoryWriter(tmp_path, {"number": number})
        writer.note({"step": 1.0})
        writer.summarise({})
        writer.close()
    assert len(list(tmp_path.glob("*.jsonl"))) == 8
    assert len(list(tmp_path.glob("*.json"))) == 8
    assert read_history(tmp_path).settings == {"number": 9}


def test_a_run_that_was_resumed_has_the_course_of_its_earlier_parts(tmp_path: Path) -> None:
    for first, steps in ((0, (10, 20, 30, 40)), (30, (35, 45)), (45, (55,))):
        writer = HistoryWriter(tmp_path, {"resumed_at": first})
        for step in steps:
            writer.note({"step": float(step), "part": float(first)})
        writer.close()
    found = read_history(tmp_path)
    assert found.column("part") == [(10, 0), (20, 0), (30, 0), (35, 30), (45, 30), (55, 45)]
    HistoryWriter(tmp_path, {"resumed_at": 0}).note({"step": 10.0, "part": 9.0})
    assert read_history(tmp_path).column("part") == [(10, 9)]


@pytest.mark.parametrize(
    "line", ["", "{", "[1]", '{"step": "x"}', '{"step": NaN}', '{"step": true}', "[" * 10_000, '{"step": 3, "lo']
)
def test_a_line_that_is_no_row_is_left_out_and_counted(tmp_path: Path, line: str) -> None:
    writer = HistoryWriter(tmp_path, {"a": 1})
    writer.note({"step": 1.0})
    writer.close()
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text() + line + "\n" + json.dumps({"step": 2}) + "\n")
    found = read_history(tmp_path)
    assert [row["step"] for row in found.rows] == [1, 2]
    assert found.damaged == 1


def test_a_file_of_other_bytes_is_no_reason_to_fail(tmp_path: Path) -> None:
    name = tmp_path / "20260101-000000-1-0.jsonl"
    name.write_bytes(bytes(range(256)) * 20)
    name.with_suffix(".json").write_bytes(b"\xff\xfe[")
    found = read_history(tmp_path)
    assert (found.settings, found.rows, found.summary) == ({}, [], {})
    assert read_history(tmp_path / "none") is None
    name.unlink()
    os.symlink("/etc/passwd", name)
    assert read_history(tmp_path) is None


def test_equal_figures_in_a_row_are_noted_once(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path, {})
    for _ in range(3):
        writer.note({"step": 1.0})
        writer.close()
    assert len(read_history(tmp_path).rows) == 1
