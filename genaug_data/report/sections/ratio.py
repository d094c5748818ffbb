"""The share of synthetic rows that was asked for, and that training was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from genaug_data.journal_reading import Journal
from genaug_data.report.blocks import Block, Chart, Text
from genaug_data.report.charts import Series, line_chart
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Missing, Section
from genaug_data.report.sections.wording import share


class Reached(Section):
    """Ratio asked and reached."""

    name, title = "ratio", "Ratio asked and reached"
    about = "A synthetic slot for which there is no variant yet shows a real example instead, and counts as shortfall."

    def blocks(self, run: Run) -> list[Block]:
        """Return the shares over the steps, or over the epochs of the journal where no history was kept."""
        if run.history is not None and run.history.rows:
            return _of_history(run)
        if run.journal is not None and run.journal.draws:
            return [Chart("Share of synthetic slots", _of_journal(run.journal))]
        raise Missing("No training run has left its history here.")


def _of_history(run: Run) -> list[Block]:
    assert run.history is not None
    rows = run.history.rows
    lines = [Series("reached", shares(rows)), Series("asked", run.history.column("ratio asked"), is_dashed=True)]
    blocks: list[Block] = [
        Chart("Share of synthetic rows between two refreshes", line_chart(lines, "training step", "share"))
    ]
    last = rows[-1]
    synthetic, shortfall = last.get("synthetic", 0.0), last.get("shortfall", 0.0)
    if synthetic + shortfall:
        told = f"{synthetic:,.0f} synthetic slots got a variant, {shortfall:,.0f} found none to show"
        blocks.append(Text(f"{told} ({share(shortfall, synthetic + shortfall)})."))
    return blocks


def shares(rows: Sequence[Mapping[str, float]]) -> list[tuple[float, float]]:
    """Return (step, share of synthetic rows since the row before) of the rows of a history.

    Example:
        >>> shares([{"step": 5.0, "rows shown": 40.0, "synthetic rows shown": 10.0}])
        [(5.0, 0.25)]
    """
    found, before = [], (0.0, 0.0)
    for row in rows:
        if not {"step", "rows shown", "synthetic rows shown"} <= row.keys():
            continue
        shown, synthetic = row["rows shown"], row["synthetic rows shown"]
        if shown < before[0]:
            # A process that goes on from a saved state counts anew.
            before = (0.0, 0.0)
        if shown > before[0]:
            found.append((row["step"], (synthetic - before[1]) / (shown - before[0])))
        before = (shown, synthetic)
    return found


def _of_journal(journal: Journal) -> Markup:
    reached = [
        (float(epoch), sum(place > 0 for place in drawn.places) / len(drawn.places))
        for epoch, drawn in sorted(journal.draws.items())
        if len(drawn.places)
    ]
    return line_chart([Series("filled", reached)], "epoch", "share of the synthetic slots with a variant")
