"""Examples whose label is probably wrong."""

from __future__ import annotations

from genaug_data.report.blocks import Block, Comparison, Comparisons, Text
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Missing, Section

_SHOWN = 24


class Suspects(Section):
    """For a human to decide."""

    name, title = "suspects", "Suspect labels"
    about = "Examples whose label is probably wrong, by what training said of them, the most suspicious first."

    def blocks(self, run: Run) -> list[Block]:
        """Return each suspect with its label and the one that is suggested."""
        if "suspects" not in run.summary:
            raise Missing("Nothing is known of suspects: no training run with observe() has left its history here.")
        found = run.summary["suspects"][:_SHOWN]
        if not found:
            raise Missing("No label is suspect.")
        rows = []
        for suspect in found:
            label, suggested = run.class_name(suspect["label"]), run.class_name(suspect["suggested"])
            picture = run.real(suspect["index"], "")
            note = f"labelled {label}, or {suggested}?" if suggested else f"labelled {label}, or not?"
            rows.append(Comparison(f"#{suspect['index']}", picture if picture.uri else None, (), note))
        blocks: list[Block] = [Comparisons("", rows, are_small=True)]
        if run.settings.get("noise") is None:
            told = "The run was told of no noise=, so that these are the lowest of each class in area under the margin "
            blocks.insert(
                0, Text(f"{told}(arXiv:2001.10528), of which there are some whether or not labels are wrong.")
            )
        if run.samples is None:
            told = "Suspects have no variants, so that most of their images are not in this folder; "
            blocks.append(Text(f"{told}pass --config run.yaml to see them."))
        return blocks
