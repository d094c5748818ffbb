"""What gates said of variants, gate by gate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from genaug_data.report.run import Run
from genaug_data.sample import Provenance

LEAK_GATE = "leak"


@dataclass
class Scores:
    """What one gate said.

    Args:
        accepted: scores of what it let pass, also where a later gate rejected it.
        rejected: scores of what it did not.
    """

    accepted: list[float] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)


def scores_of(run: Run) -> dict[str, Scores]:
    """Return what each gate said of the variants in the cache and of the rejected ones, in the order of judging."""
    found: dict[str, Scores] = {}
    for made in _every(run):
        for verdict in made.verdicts:
            scores = found.setdefault(verdict.gate, Scores())
            (scores.accepted if verdict.accepted else scores.rejected).append(verdict.score)
    return found


def score_by(made: Provenance, gate: str) -> float | None:
    """Return the score that a gate gave; None where it did not judge."""
    return next((verdict.score for verdict in made.verdicts if verdict.gate == gate), None)


def _every(run: Run) -> Iterable[Provenance]:
    yield from (child.made for child in run.children)
    yield from run.rejections
