"""The numbers of a run: what its stats, its history and any logger say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from genaug_data.cache import CacheReader
from genaug_data.hardness import HardnessTable
from genaug_data.sampler import HardExampleSampler

if TYPE_CHECKING:
    from genaug_data.loop import AugmentationLoop

_MOST_EXAMPLES = 20_000


def stats_of(loop: AugmentationLoop, sampler: HardExampleSampler, reader: CacheReader) -> dict[str, float | str]:
    """Return counts of the loop, the feedback, the worker and the cache."""
    worker, stored, feedback = loop.worker.stats(), reader.stats(), loop.feedback.counts
    return {
        **loop.refresher.intake.counts,
        "on order": worker.outstanding,
        "worker": worker.state,
        "images made": worker.images,
        "seconds of generation": round(worker.seconds, 2),
        "restarts": worker.restarts,
        "duty": round(loop.pacing.duty, 3),
        "cached": stored.records,
        "cached bytes": stored.bytes,
        "feedback rows": feedback.rows,
        "feedback ignored": feedback.not_finite + feedback.out_of_range + feedback.unknown,
        "feedback late": feedback.late,
        "feedback repeated": feedback.repeated,
        **{name: getattr(sampler, name) for name in ("real", "synthetic", "shortfall")},
    }


def figures_of(loop: AugmentationLoop, sampler: HardExampleSampler, reader: CacheReader) -> dict[str, float]:
    """Return the numbers among :func:`stats_of`, with step, ratio and hardness; what is not known yet is left out."""
    stats = {
        name: float(value) for name, value in stats_of(loop, sampler, reader).items() if not isinstance(value, str)
    }
    rows, synthetic = loop.refresher.showing.rows, loop.refresher.showing.synthetic
    choice = loop.refresher.choice
    figures = {
        "step": float(loop.steps),
        "epoch": float(sampler.epoch),
        **stats,
        "rows shown": float(rows),
        "synthetic rows shown": float(synthetic),
        "ratio asked": sampler.ratio.at(sampler.epoch),
        "ratio reached": synthetic / rows if rows else math.nan,
        **hardness_of(loop.feedback.table, None if choice is None else choice.parents),
    }
    if choice is not None:
        figures |= {"parents": float(choice.parents.sum()), "suspects": float(choice.suspects.sum())}
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def hardness_of(table: HardnessTable, parents: np.ndarray | None) -> dict[str, float]:
    """Return how hard the examples are that were seen, from 20,000 evenly spaced ones where there are more.

    Args:
        table: of the run.
        parents: who may be a parent, bool ``(N,)``; None where that was not decided yet.

    Returns:
        Quantiles of the loss, the mean loss of the parents, mean normalised entropy, the share that was classified
        rightly when last seen, and the share that was seen at all; NaN for what is not known.

    Example:
        >>> table = HardnessTable(4)
        >>> table.observations[:3], table.loss_ema[:3] = 1, (1.0, 2.0, 3.0)
        >>> hardness = hardness_of(table, None)
        >>> hardness["loss, median"], hardness["examples seen"]
        (2.0, 0.75)
    """
    step = -(-table.size // _MOST_EXAMPLES)
    loss, entropy, correct = (column[::step] for column in (table.loss_ema, table.entropy_ema, table.last_correct))
    known = np.isfinite(loss)
    low, median, high = np.quantile(loss[known], (0.1, 0.5, 0.9)) if known.any() else (math.nan,) * 3
    chosen = known if parents is None else known & parents[::step]
    return {
        "loss, easiest tenth": float(low),
        "loss, median": float(median),
        "loss, hardest tenth": float(high),
        "loss of parents": math.nan if parents is None else _mean(loss[chosen]),
        "entropy": _mean(entropy[np.isfinite(entropy)]),
        "classified rightly": _mean(correct[correct >= 0] == 1),
        "examples seen": float(known.mean()),
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan
