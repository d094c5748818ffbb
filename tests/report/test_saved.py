from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from genaug_data.report import write_report
from genaug_data.report.saved import summary_of_saved
from tests.loops import train_for
from tests.report.test_page import sections_of


def test_a_saved_state_tells_what_a_history_would(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5)
    train_for(train, 8)
    cache = tmp_path / "cache"
    train.save(cache / "state")
    shutil.rmtree(cache / "history")
    found = summary_of_saved(cache)
    loop = train._own().loop
    assert found["real per class"] == [8, 8, 8]
    assert found["stats"]["accepted"] == train.stats()["accepted"]
    best = max(range(24), key=lambda index: loop.refresher.priorities[index])
    assert found["hardest"][0]["priority"] == loop.refresher.priorities[best]
    sections = sections_of(write_report(cache).read_text())
    hardest = [row["index"] for row in found["hardest"] if loop.refresher.catalogue.items()]
    shown = next(
        index for index in hardest if any(parent == index for _, parent, _ in loop.refresher.catalogue.items())
    )
    assert sections["hardest"].index(f"#{shown},") < 1000
    assert "No label is suspect." in sections["suspects"]


def test_a_damaged_state_tells_nothing(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5)
    train_for(train, 2)
    path = train.save(tmp_path / "state")
    content = path.read_bytes()
    for damaged in (content[:100], b"", content[:-40]):
        path.write_bytes(damaged)
        assert summary_of_saved(tmp_path / "state") == {}
