"""How many real examples and variants there are of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import torch

from genaug_data.report.blocks import Block, Chart, Table, Text
from genaug_data.report.charts import bars
from genaug_data.report.run import Run
from genaug_data.report.sections.base import Missing, Section
from genaug_data.sample import Target

_SHOWN = 40


class Classes(Section):
    """Per-class counts."""

    name, title = "classes", "Variants of each class"

    def blocks(self, run: Run) -> list[Block]:
        """Return bars a class, those of most variants first where there are many, and whether variants help."""
        counts = Counter(label for child in run.children for label in labels_of(child.target))
        if not counts:
            raise Missing("The annotations of these variants have no classes, or there is no variant.")
        real = [int(number) for number in run.summary.get("real per class", [])]
        labels = sorted(
            set(counts) | set(range(len(real))) if len(real) <= _SHOWN else counts, key=lambda c: (-counts[c], c)
        )
        shown = sorted(labels[:_SHOWN])
        series = [("variants", [float(counts[label]) for label in shown])]
        if real:
            series.append(("real examples", [float(real[label]) if label < len(real) else 0.0 for label in shown]))
        blocks: list[Block] = [Chart("", bars([run.class_name(label) for label in shown], series))]
        if len(labels) > _SHOWN:
            blocks.append(
                Text(f"These are the {_SHOWN} classes with the most variants, of {len(labels):,} that have any.")
            )
        blocks += _usefulness(run)
        return blocks


def labels_of(target: Target) -> Iterable[int]:
    """Return the classes in an annotation, each once; those of boxes as often as there are boxes.

    Example:
        >>> list(labels_of(3)), list(labels_of(torch.tensor([[0, 2], [2, 255]])))
        ([3], [0, 2])
    """
    match target:
        case int():
            return [target]
        case torch.Tensor() if target.ndim == 1 and target.is_floating_point() and len(target):
            # A soft label: the most probable class.
            return [int(target.argmax())]
        case torch.Tensor() if target.ndim == 2 and not target.is_floating_point():
            # By convention, 255 is no class but what is to be ignored.
            return [label for label in target.unique().tolist() if 0 <= label < 255]
        case Mapping() if "labels" in target:
            return [int(label) for label in target["labels"].flatten().tolist()]
    return []


def _usefulness(run: Run) -> list[Block]:
    known = [row for row in run.summary.get("usefulness", []) if isinstance(row, dict)]
    if not known:
        return []
    rows = [
        (run.class_name(row["label"]), f"{row['gain']:.2e}", f"{row['error']:.2e}", f"{row['keep']:.2f}")
        for row in known[:_SHOWN]
    ]
    told = "Whether variants help, as auto_off= measured it: lower loss on the held-out slice a variant trained on."
    return [Text(told), Table(("class", "gain", "standard error", "share of slots kept"), rows)]
