"""How near synthetic images came to protected ones."""

from __future__ import annotations

from collections.abc import Sequence

from genaug_data.report.blocks import Block, Chart, Comparison, Comparisons, Picture, Text
from genaug_data.report.charts import histogram
from genaug_data.report.pictures import data_uri
from genaug_data.report.run import Child, LeakPair, Run
from genaug_data.report.sections.audited import audit_blocks
from genaug_data.report.sections.base import Missing, Section
from genaug_data.report.sections.scores import LEAK_GATE, Scores, score_by, scores_of

_SHOWN = 12


class Leak(Section):
    """The leak audit."""

    name, title = "leak", "Leak audit"
    about = (
        "How far each variant is from the nearest protected (validation or test) image, as the leak gate scored it: 0 "
        "is a copy, 0.5 and less is rejected, 1 is twice as far or more."
    )

    def blocks(self, run: Run) -> list[Block]:
        """Return what an audit found, if there was one, and what the leak gate measured."""
        scores = scores_of(run).get(LEAK_GATE)
        blocks = audit_blocks(run.folder) + ([] if not run.pairs else pair_blocks(run.pairs))
        if scores is None:
            if blocks:
                return blocks
            raise Missing("No leak gate has judged these variants: no protected= was given, so nothing is known.")
        nearest = sorted(
            ((score, child) for child in run.children if (score := score_by(child.made, LEAK_GATE)) is not None),
            key=lambda pair: pair[0],
        )[:_SHOWN]
        return [*blocks, *_measured(scores, _needed(run)), *_nearest(run, nearest)]


def pair_blocks(pairs: Sequence[LeakPair]) -> list[Block]:
    """Return the nearest pairs of an audit, the nearest first: each protected image beside the synthetic one."""
    rows = [
        Comparison(
            pair.title,
            Picture(data_uri(pair.protected.image), "protected"),
            [Picture(data_uri(pair.synthetic.image), "synthetic")],
            f"distance {pair.distance:.4f}",
        )
        for pair in sorted(pairs, key=lambda pair: pair.distance)[:_SHOWN]
    ]
    return [Comparisons("The nearest pairs of the audit", rows, are_small=True)]


def _needed(run: Run) -> float | None:
    """Return the threshold that the newest verdict tells of."""
    made = [child.made for child in run.children[-1:]] + run.rejections[-1:]
    found = [v.threshold for one in made for v in one.verdicts if v.gate == LEAK_GATE and v.threshold is not None]
    return found[0] if found else None


def _measured(scores: Scores, needed: float | None) -> list[Block]:
    told = f"{len(scores.accepted):,} variants were let pass"
    if scores.accepted:
        told += f", the nearest with a score of {min(scores.accepted):.4f}"
    told += f"; {len(scores.rejected):,} were rejected"
    if scores.rejected:
        told += f", with scores of up to {max(scores.rejected):.4f}"
    if needed is not None:
        told += f"; more than {needed:.4f} is needed"
    kinds = [("accepted", scores.accepted), ("rejected", scores.rejected)]
    chart = histogram([kind for kind in kinds if kind[1]], "score, 0 being a copy of a protected image")
    return [Text(f"{told}."), Chart("How near they came", chart)]


def _nearest(run: Run, nearest: Sequence[tuple[float, Child]]) -> list[Block]:
    if not nearest:
        return []
    pictures = run.pictures([child for _, child in nearest], ["accepted" for _ in nearest])
    rows = [
        Comparison(f"#{child.parent}", run.real(child.parent), [picture], f"score {score:.4f}")
        for (score, child), picture in zip(nearest, pictures, strict=True)
    ]
    return [Comparisons("The accepted variants that came nearest, beside their parents", rows, are_small=True)]
