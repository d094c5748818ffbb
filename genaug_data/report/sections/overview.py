"""What the run made, rejected and cost, in a few numbers."""

from __future__ import annotations

from collections import Counter

from genaug_data.report.blocks import Block, Text, Tile, Tiles
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Section
from genaug_data.report.sections.scores import LEAK_GATE, scores_of
from genaug_data.report.sections.wording import count, duration, quoted, share


class Overview(Section):
    """The page in a minute."""

    name, title = "overview", "In short"

    def blocks(self, run: Run) -> list[Block]:
        """Return one sentence, the numbers that matter, and what was said during the run."""
        blocks: list[Block] = [Text(_sentence(run)), Tiles(_tiles(run))]
        if run.damage:
            blocks.append(Text(f"The cache cannot be read: {run.damage}.", is_warning=True))
        lost = run.looked_at - len(run.children)
        if lost:
            told = f"{count(lost, 'record')} of the cache cannot be read and {'is' if lost == 1 else 'are'} left out"
            blocks.append(Text(f"{told}; genaug cache verify {run.folder} names them.", is_warning=True))
        said = run.summary.get("said", [])
        blocks += [Text(_capital(str(sentence)), is_warning=True) for sentence in said if isinstance(said, list)]
        return blocks


def _sentence(run: Run) -> str:
    if not run.stored.records and not run.rejections:
        return "No variant has been made so far."
    parents = len({child.parent for child in run.children})
    told = f"{count(run.stored.records, 'variant')} of {count(parents, 'real example')} can be trained on"
    if not run.rejections:
        return f"{told}; none was rejected."
    gate, most = Counter(made.verdicts[-1].gate for made in run.rejections if made.verdicts).most_common(1)[0]
    told += f"; {count(len(run.rejections), 'other')} {'was' if len(run.rejections) == 1 else 'were'} rejected"
    return f"{told}, {'all' if most == len(run.rejections) else f'the most, {most:,},'} by the gate {quoted(gate)}."


def _tiles(run: Run) -> list[Tile]:
    made = [child.made for child in run.children] + run.rejections
    seconds = sum(one.seconds for one in made)
    tiles = [
        Tile(
            "variants in the cache", f"{run.stored.records:,}", f"of {len({c.parent for c in run.children}):,} examples"
        ),
        Tile("rejected", f"{len(run.rejections):,}", f"{share(len(run.rejections), len(made))} of what was made"),
    ]
    if seconds:
        each = f"{duration(seconds / max(1, len(run.children)))} for each that was kept"
        tiles.append(Tile("making these took", duration(seconds), each))
    if run.history is not None and run.history.rows:
        last = run.history.rows[-1]
        shown, synthetic = last.get("rows shown", 0.0), last.get("synthetic rows shown", 0.0)
        if shown:
            tiles.append(Tile("synthetic rows trained on", share(synthetic, shown), _asked(last)))
        if last.get("suspects"):
            tiles.append(Tile("suspect labels", f"{last['suspects']:,.0f}", "trained on, but no parents"))
    leak = scores_of(run).get(LEAK_GATE)
    if leak is not None and leak.accepted:
        tiles.append(
            Tile(
                "nearest to a protected image (0 is a copy)",
                f"{min(leak.accepted):.3f}",
                f"{len(leak.rejected):,} rejected as copies",
            )
        )
    return tiles


def _asked(last: dict[str, float]) -> str:
    return f"asked for {100 * last['ratio asked']:.3g} %" if "ratio asked" in last else ""


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith(".") else ".")
