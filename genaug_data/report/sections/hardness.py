"""How hard the training set was, over time."""

from __future__ import annotations

from genaug_data.report.blocks import Block, Chart
from genaug_data.report.charts import Series, line_chart
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Missing, Section

_LOSSES = {
    "loss, hardest tenth": "hardest tenth",
    "loss of parents": "parents, mean",
    "loss, median": "median",
    "loss, easiest tenth": "easiest tenth",
}
_SHARES = {"classified rightly": "classified rightly", "entropy": "entropy"}


class Hardness(Section):
    """Hardness over time."""

    name, title = "hardness", "Hardness over time"
    about = "What the training steps said of the real examples at each refresh of the selection."

    def blocks(self, run: Run) -> list[Block]:
        """Return quantiles of the loss, and shares."""
        if run.history is None or not run.history.rows:
            raise Missing("No training run has left its history here: this cache was filled by a warm-up, say.")
        losses = [Series(shown, run.history.column(name)) for name, shown in _LOSSES.items()]
        shares = [Series(shown, run.history.column(name)) for name, shown in _SHARES.items()]
        blocks: list[Block] = []
        if any(line.points for line in losses):
            blocks.append(Chart("Loss of the examples", line_chart(losses, "training step", "loss")))
        if any(line.points for line in shares):
            told = "Share of the examples classified rightly, and their mean normalised entropy"
            blocks.append(Chart(told, line_chart(shares, "training step", "share")))
        if not blocks:
            raise Missing("The run has observed no loss.")
        return blocks
