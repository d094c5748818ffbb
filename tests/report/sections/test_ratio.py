from __future__ import annotations

from pathlib import Path

from genaug_data.journal import JournalWriter
from genaug_data.report.blocks import Chart
from genaug_data.report.run import read_run
from genaug_data.report.sections.ratio import Reached, shares
from genaug_data.sample import Token
from tests.report.runs import fill


def test_shares_are_those_between_two_refreshes() -> None:
    rows = [
        {"step": 10.0, "rows shown": 80.0, "synthetic rows shown": 8.0},
        {"step": 15.0},
        {"step": 20.0, "rows shown": 120.0, "synthetic rows shown": 28.0},
        # A process that went on from a saved state counts anew.
        {"step": 30.0, "rows shown": 50.0, "synthetic rows shown": 10.0},
    ]
    assert shares(rows) == [(10, 0.1), (20, 0.5), (30, 0.2)]


def test_without_a_history_the_journal_tells_of_each_epoch(tmp_path: Path) -> None:
    fill(tmp_path, variants=3)
    settings = {"seed": 0, "size": 8, "ratio": 0.5, "mixing": "replace", "num_replicas": 1, "rank": 0, "shuffle": True}
    writer = JournalWriter(tmp_path / "journals", settings, print)
    for epoch, tokens in enumerate([[None, None], [None, Token(1, b"k" * 16)]]):
        writer.begin_pass(epoch, 0)
        for token in tokens:
            writer.draw(token)
    writer.close()
    (chart,) = Reached().blocks(read_run(tmp_path))
    assert isinstance(chart, Chart)
    assert chart.svg.count("<polyline") == 1
    assert "epoch" in chart.svg
