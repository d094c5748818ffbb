"""The dataset card of an export: what is synthetic in it, and how that was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genaug_data.cache.exchange.layouts import Item

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_TASKS = {"class": "image-classification", "mask": "image-segmentation", "boxes": "object-detection"}
_MOST_ROWS = 200
_TEXT = """\
# Synthetic images

**Every image here is synthetic: no one took it as a photograph.** Each was made by a generative model from a real
example, with genaug_data, to train on beside real data; none should be used to evaluate a model. The real examples are
not included, but an image may resemble the one that it was made from.

{count} images, made from {parents} real examples, of which {accepted}.

## How they were made

{origins}

{recipes}

## Gates

Each image has passed:

{gates}

## Annotations

{classes}

## Files

`manifest.jsonl` has a line for each image: file, key, shape, content hash, annotation, and the whole provenance:
parent index and its content hash, generator, recipe, seed, prompt, verdict of every gate, hardness of the parent,
versions of the libraries. `genaug cache import` puts them back into a cache, bit by bit, and says which were changed.
The format is `{to}`.
"""


class Card:
    """Counts what goes into an export, and says it.

    Args:
        to: name of the format.
        classes: names of the classes.
    """

    def __init__(self, to: str, classes: Sequence[str] = ()) -> None:
        self._to, self._classes = to, classes
        self._parents: set[int] = set()
        self._labels: Counter[int] = Counter()
        self._kinds: Counter[str] = Counter()
        self._origins: Counter[tuple[str, str, str, str]] = Counter()
        self._gates: Counter[str] = Counter()
        self._thresholds: dict[str, list[float]] = {}
        self._strengths: list[float] = []
        self._versions: set[tuple[str, str]] = set()
        self._prompted = self._ignored = self._count = 0

    def count(self, item: Item, kind: str) -> None:
        """Take note of a variant, whose annotation is of a kind."""
        made = item.made
        self._count += 1
        self._parents.update(made.parents)
        self._kinds["class" if item.label is not None else kind] += 1
        if item.label is not None:
            self._labels[item.label] += 1
        told = [made.origin.get(name, "") for name in ("model", "revision", "license")]
        self._origins[made.fingerprint, told[0], told[1], told[2]] += 1
        for verdict in made.verdicts:
            self._gates[verdict.gate] += 1
            if verdict.threshold is not None:
                low, high = self._thresholds.get(verdict.gate, [verdict.threshold] * 2)
                self._thresholds[verdict.gate] = [min(low, verdict.threshold), max(high, verdict.threshold)]
        low, high = (self._strengths or [made.recipe.strength] * 2)[:2]
        self._strengths = [min(low, made.recipe.strength), max(high, made.recipe.strength)]
        self._versions.update(made.versions.items())
        self._prompted += made.prompt is not None
        self._ignored += made.ignored_pixels > 0

    def write(self, folder: Path) -> None:
        """Write ``README.md``, with the header that Hugging Face reads."""
        import yaml

        header = yaml.safe_dump(self._header(), sort_keys=False, allow_unicode=True)
        (folder / "README.md").write_text(f"---\n{header}---\n\n{self._text()}", encoding="utf-8")

    def _header(self) -> dict[str, Any]:
        licences = sorted({licence for _, _, _, licence in self._origins})
        known = [licence for licence in licences if licence]
        # Of several, or of some that are not known, no one licence can be told.
        one = "unknown" if not known else known[0] if len(licences) == 1 else "other"
        tasks = sorted({_TASKS[kind] for kind in self._kinds if kind in _TASKS})
        return {
            "license": one,
            "pretty_name": "Synthetic images",
            "tags": ["synthetic", "genaug_data"],
            "size_categories": [next((name for most, name in _SIZES if self._count < most), "n>1M")],
            **({"task_categories": tasks} if tasks else {}),
        }

    def _text(self) -> str:
        origins = [
            f"| {fingerprint} | {model or '-'} | {revision or '-'} | {licence or 'not known'} | {count} |"
            for (fingerprint, model, revision, licence), count in self._origins.most_common(_MOST_ROWS)
        ]
        gates = [
            f"| {gate} | {' to '.join(dict.fromkeys(f'{value:.4g}' for value in self._thresholds.get(gate, [])))} "
            f"| {count} |"
            for gate, count in self._gates.most_common(_MOST_ROWS)
        ]
        low, high = self._strengths or (0.0, 0.0)
        versions = ", ".join(f"{name} {version}" for name, version in sorted(self._versions)) or "not known"
        return _TEXT.format(
            count=f"{self._count:,}",
            parents=f"{len(self._parents):,}",
            accepted="all were accepted by every gate" if self._gates else "none was judged by a gate",
            origins=_table("generator | model | revision | licence | images", origins),
            recipes=f"Strength {low:.3g} to {high:.3g} of the diffusion was redone. {self._prompted:,} were made "
            f"with a prompt, which is in the manifest. Libraries: {versions}.",
            gates=_table("gate | score needed | images", gates) if gates else "No gate: none was judged.",
            classes=self._annotations(),
            to=self._to,
        )

    def _annotations(self) -> str:
        names = {label: self._classes[label] for label in self._labels if 0 <= label < len(self._classes)}
        rows = [f"| {names.get(label, label)} | {self._labels[label]} |" for label in sorted(self._labels)]
        others = ", ".join(f"{count:,} of the kind {kind}" for kind, count in sorted(self._kinds.items()))
        ignored = f"\n\nIn {self._ignored:,} masks a gate has set pixels to be ignored." if self._ignored else ""
        more = f"\n\n{len(rows) - _MOST_ROWS} further classes." if len(rows) > _MOST_ROWS else ""
        table = f"\n\n{_table('class | images', rows[:_MOST_ROWS])}{more}" if rows else ""
        return f"Annotations: {others or 'none'}.{table}{ignored}"


def _table(heading: str, rows: Sequence[str]) -> str:
    columns = heading.count("|") + 1
    return "\n".join([f"| {heading} |", "|" + " --- |" * columns, *rows])
