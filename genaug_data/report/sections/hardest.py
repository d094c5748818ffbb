"""The hardest examples beside their children."""

from __future__ import annotations

import math
from typing import Any

from genaug_data.report.blocks import Block, Comparison, Comparisons
from genaug_data.report.run import Child, Run
from genaug_data.report.sections.base import Missing, Section
from genaug_data.report.sections.classes import labels_of

_PARENTS, _CHILDREN, _CLASSES, _LONGEST_PROMPT = 10, 6, 3, 60


class Hardest(Section):
    """Who was hard, and what was made of it."""

    name, title = "hardest", "The hardest examples and their variants"
    about = "Real examples of the highest priority that have variants in the cache, the hardest first."

    def blocks(self, run: Run) -> list[Block]:
        """Return a row an example."""
        if not run.children:
            raise Missing("The cache holds no variant that can be shown.")
        families: dict[int, list[Child]] = {}
        for child in run.children:
            families.setdefault(child.parent, []).append(child)
        known = {row["index"]: row for row in run.summary.get("hardest", []) if isinstance(row, dict)}
        # Those of whom the run's last priority is not known follow, by that when their variants were asked for.
        asked = {parent: max(child.made.hardness for child in found) for parent, found in families.items()}
        order = [index for index in known if index in families]
        order += sorted(families.keys() - known.keys(), key=lambda parent: (-asked[parent], parent))
        rows = [_row(run, parent, known.get(parent), families[parent], asked[parent]) for parent in order[:_PARENTS]]
        return [Comparisons("", rows, are_small=all(len(row.others) < 2 for row in rows))]


def _row(run: Run, parent: int, known: dict[str, Any] | None, children: list[Child], asked: float) -> Comparison:
    shown = children[-_CHILDREN:]
    name = ", ".join(map(run.class_name, list(labels_of(children[0].target))[:_CLASSES]))
    notes = [f"priority {asked if known is None else float(known['priority']):.2g}"]
    if known is not None and math.isfinite(float(known["loss"])):
        notes.append(f"loss {float(known['loss']):.2f}")
    notes.append(f"{len(children)} variant{'' if len(children) == 1 else 's'}")
    title = f"#{parent}" + (f", {name}" if name else "")
    return Comparison(
        title, run.real(parent), run.pictures(shown, [_caption(child) for child in shown]), ", ".join(notes)
    )


def _caption(child: Child) -> str:
    prompt = child.made.prompt or ""
    if len(prompt) > _LONGEST_PROMPT:
        prompt = prompt[: _LONGEST_PROMPT - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return prompt or f"strength {child.made.recipe.strength:.2f}"
