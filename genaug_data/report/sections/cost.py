"""How fast variants were made, and what they cost."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence

from genaug_data.report.blocks import Block, Chart, Table, Text
from genaug_data.report.charts import Series, line_chart
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Missing, Section
from genaug_data.report.sections.wording import duration
from genaug_data.sample import Provenance

_PAUSE, _PARTS = 60.0, 40


class Cost(Section):
    """Generation rate and cost."""

    name, title = "cost", "Generation rate and cost"
    about = "Of the variants in the cache and the remembered rejections; what was evicted meanwhile is not among them."

    def blocks(self, run: Run) -> list[Block]:
        """Return the rate over time, and the cost on each device."""
        made = [child.made for child in run.children] + run.rejections
        if not made:
            raise Missing("No variant has been made so far.")
        blocks: list[Block] = []
        points = rate([one.created for one in made])
        if points:
            told = f"Images made a second, without pauses of more than {duration(_PAUSE)}"
            blocks.append(Chart(told, line_chart([Series("rate", points)], "seconds of production", "images/s")))
        blocks.append(_by_device(run, made))
        rows = [] if run.history is None else run.history.rows
        if rows:
            last = rows[-1]
            told = f"The last run counted {last.get('images made', 0):,.0f} images made in "
            told += f"{duration(last.get('seconds of generation', 0.0))} of generator and gates"
            restarts = last.get("restarts", 0)
            blocks.append(Text(f"{told}{f', with {restarts:.0f} restarts of the worker' if restarts else ''}."))
        return blocks


def rate(created: Sequence[float]) -> list[tuple[float, float]]:
    """Return (seconds, images a second) of up to 40 equal parts of the time in which images were made.

    Args:
        created: when, in seconds since the epoch, in any order; 0 is not known.

    Example:
        >>> rate([100.0, 100.5, 101.0, 101.5, 102.0])[0][1]
        2.0
    """
    times = sorted(time for time in created if time > 0)
    clock, at = 0.0, []
    for before, time in itertools.pairwise(times):
        clock += time - before if time - before <= _PAUSE else 0.0
        at.append(clock)
    if not clock:
        return []
    parts = max(1, min(_PARTS, len(at) // 8))
    counts = Counter(min(int(parts * moment / clock), parts - 1) for moment in at)
    return [((part + 0.5) * clock / parts, counts[part] * parts / clock) for part in range(parts)]


def _by_device(run: Run, made: Sequence[Provenance]) -> Table:
    seconds: dict[str, float] = defaultdict(float)
    for one in made:
        seconds[one.device or "not told"] += one.seconds
    images, kept = (
        Counter(one.device or "not told" for one in found) for found in (made, [child.made for child in run.children])
    )
    rows = [
        (
            device,
            f"{images[device]:,}",
            f"{kept[device]:,}",
            duration(seconds[device]),
            duration(seconds[device] / images[device]),
            duration(seconds[device] / kept[device]) if kept[device] else "-",
        )
        for device in sorted(seconds)
    ]
    return Table(("device", "made", "kept", "time", "an image", "a kept image"), rows)
