"""What was rejected, by whom and why."""

from __future__ import annotations

import statistics

from genaug_data.report.blocks import Block, Comparison, Comparisons, Picture, Table, Text
from genaug_data.report.pictures import data_uri
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Missing, Section
from genaug_data.report.sections.scores import scores_of
from genaug_data.report.sections.wording import quoted, share

_SHOWN = 10
_REASONS = 5


class Rejected(Section):
    """The gates at work."""

    name, title = "rejected", "What was rejected, and why"
    about = "Every gate judges what those before it let pass; the first rejection is the last word."

    def blocks(self, run: Run) -> list[Block]:
        """Return a table of the gates, and for each the last few it rejected beside their parents."""
        scores = scores_of(run)
        if not scores:
            raise Missing("No gate has judged a variant here.")
        rows = [
            (
                gate,
                f"{len(found.accepted) + len(found.rejected):,}",
                f"{len(found.rejected):,}",
                share(len(found.rejected), len(found.accepted) + len(found.rejected)),
                _middle(found.accepted),
                _middle(found.rejected),
            )
            for gate, found in scores.items()
        ]
        header = ("gate", "judged", "rejected", "share", "median score, accepted", "median score, rejected")
        blocks: list[Block] = [Table(header, rows)]
        if not any(found.rejected for found in scores.values()):
            return [*blocks, Text("Nothing was rejected.")]
        for gate, found in scores.items():
            if found.rejected:
                blocks += _examples(run, gate)
        return blocks


def _examples(run: Run, gate: str) -> list[Block]:
    pictured = [found for found in run.rejected if found.made.verdicts[-1].gate == gate]
    if not pictured:
        # Of a run of an earlier version, or one whose folder was full.
        last = [made.verdicts[-1] for made in run.rejections if made.verdicts]
        reasons = [verdict.reason for verdict in last if verdict.gate == gate]
        told = "; ".join(dict.fromkeys(reasons[-_REASONS:]))
        return [Text(f"{gate}: there are no pictures of what it rejected. Its last reasons: {told}.")]
    rows = []
    for found in pictured[:_SHOWN]:
        child = Picture(data_uri(found.child), "rejected") if found.child else Picture("", "no image")
        parent = run.real(found.made.parent) if run.samples is not None else Picture(data_uri(found.parent), "real")
        rows.append(Comparison(f"#{found.made.parent}", parent, [child], found.made.verdicts[-1].reason))
    return [Comparisons(f"Rejected by {quoted(gate)}, the newest first", rows, are_small=True)]


def _middle(values: list[float]) -> str:
    return f"{statistics.median(values):.3f}" if values else "-"
