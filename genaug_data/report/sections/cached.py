"""What is in the cache, and how it was made."""

from __future__ import annotations

import time
from collections import Counter

from genaug_data.report.blocks import Block, Chart, Table
from genaug_data.report.charts import bars
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Missing, Section
from genaug_data.report.sections.wording import share, size

_PROMPTS, _LONGEST = 8, 120


class Cached(Section):
    """The cache, and the provenance of what is in it."""

    name, title = "cache", "The cache, and how its variants were made"

    def blocks(self, run: Run) -> list[Block]:
        """Return what it holds, of how many parents, and from which model and recipes."""
        if run.manifest is None:
            raise Missing("Nothing has been cached here so far.")
        blocks: list[Block] = [Table(("", ""), _facts(run))]
        children = Counter(Counter(child.parent for child in run.children).values())
        if children:
            numbers = sorted(children)
            names = [f"{number} variant{'' if number == 1 else 's'}" for number in numbers]
            chart = bars(names[:12], [("examples", [children[number] for number in numbers][:12])])
            blocks.append(Chart("Real examples by how many variants they have", chart))
        prompts = Counter(child.made.prompt for child in run.children if child.made.prompt)
        if prompts:
            rows = [(prompt[:_LONGEST], f"{count:,}") for prompt, count in prompts.most_common(_PROMPTS)]
            blocks.append(Table(("most frequent prompts", "variants"), rows))
        return blocks


def _facts(run: Run) -> list[tuple[str, str]]:
    assert run.manifest is not None
    bound = run.settings.get("max_bytes")
    held = size(run.stored.bytes)
    if isinstance(bound, int):
        held += f" of {size(bound)} ({share(run.stored.bytes, bound)})"
    facts = [("generator", run.manifest.fingerprint), ("held", held)]
    stats = run.summary.get("stats", {})
    leaving = [
        f"{stats[name]:,} {name}"
        for name in ("evicted", "retired as broken", "retired as too easy", "retired with their parent")
        if stats.get(name)
    ]
    if leaving:
        facts.append(("left the cache", ", ".join(leaving)))
    made = [child.made for child in run.children]
    if made:
        strengths = [one.recipe.strength for one in made]
        facts.append(("strength of the edits", f"{min(strengths):.2f} to {max(strengths):.2f}"))
        first, last = (
            time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(pick(one.created for one in made))) for pick in (min, max)
        )
        facts.append(("made", f"{first} to {last} UTC"))
        versions = sorted({f"{name} {version}" for one in made[-1:] for name, version in one.versions.items()})
        facts.append(("with", ", ".join(versions)))
        for name in sorted({name for one in made for name in one.origin}):
            found = Counter(one.origin[name] for one in made if name in one.origin)
            facts.append((name, ", ".join(value for value, _ in found.most_common(3))))
    return facts
