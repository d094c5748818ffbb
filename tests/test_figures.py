from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from genaug_data.figures import figures_of, hardness_of
from genaug_data.hardness import HardnessTable
from tests.loops import train_for


def test_hardness_is_that_of_the_examples_that_were_seen() -> None:
    table = HardnessTable(12)
    losses = np.linspace(0.5, 6, 12).astype(np.float32)
    table.loss_ema[:10] = losses[:10]
    table.entropy_ema[:4] = (0.1, 0.2, 0.3, 0.4)
    table.last_correct[:3] = (1, 0, 1)
    parents = np.arange(12) >= 8
    found = hardness_of(table, parents)
    assert found["loss, median"] == pytest.approx(np.median(losses[:10]))
    assert found["loss, hardest tenth"] == pytest.approx(np.quantile(losses[:10], 0.9))
    assert found["loss, easiest tenth"] == pytest.approx(np.quantile(losses[:10], 0.1))
    assert found["loss of parents"] == pytest.approx((losses[8] + losses[9]) / 2)
    assert found["entropy"] == pytest.approx(0.25)
    assert found["classified rightly"] == pytest.approx(2 / 3)
    assert found["examples seen"] == pytest.approx(10 / 12)


def test_nothing_is_known_of_what_nobody_saw() -> None:
    found = hardness_of(HardnessTable(3), None)
    assert found.pop("examples seen") == 0
    assert all(math.isnan(value) for value in found.values())


def test_of_many_examples_evenly_spaced_ones_are_looked_at() -> None:
    table = HardnessTable(100_000)
    table.loss_ema[:] = np.arange(100_000)
    assert hardness_of(table, None)["loss, median"] == pytest.approx(50_000, abs=5)


def test_the_ratio_that_was_reached_is_counted_over_the_rows_that_were_shown(wrap: Callable) -> None:
    train = wrap(ratio=0.5)
    batches = train_for(train, 6)
    parts = train._own()
    found = figures_of(parts.loop, parts.sampler, parts.reader)
    rows = sum(len(meta) for _, _, meta in batches)
    synthetic = sum(int(meta.synthetic.sum()) for _, _, meta in batches)
    assert found["rows shown"] == rows
    assert found["synthetic rows shown"] == synthetic > 0
    assert found["ratio reached"] == pytest.approx(synthetic / rows)
    assert found["ratio asked"] == 0.5
    assert found["step"] == len(batches)
    assert found["accepted"] == train.stats()["accepted"]
    assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())
