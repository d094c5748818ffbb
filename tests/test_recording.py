from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.errors import GenaugWarning
from genaug_data.hardness.noise import AumQuantile
from genaug_data.history import read_history
from genaug_data.recording import names_of
from tests.loops import Learner, train_for


def test_a_run_leaves_its_course_and_its_end(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5, noise=AumQuantile(0.25), max_bytes=1 << 20)
    train_for(train, 6)
    found = read_history(tmp_path / "cache" / "history")
    assert found.settings["ratio"] == 0.5
    assert found.settings["max_bytes"] == 1 << 20
    assert found.settings["resumed_at"] == 0
    steps = [row["step"] for row in found.rows]
    # At each refresh, and at the end.
    assert steps == sorted(steps)
    assert set(range(2, 19, 2)) <= set(steps)
    assert found.rows[-1]["accepted"] == train.stats()["accepted"]
    losses = train._own().loop.feedback.table.loss_ema
    hardest = found.summary["hardest"]
    assert len(hardest) == 24
    assert [row["priority"] for row in hardest] == sorted((row["priority"] for row in hardest), reverse=True)
    assert all(row["loss"] == pytest.approx(losses[row["index"]]) for row in hardest)
    assert found.summary["real per class"] == [8, 8, 8]
    assert found.summary["suspects"][0] == {
        name: getattr(train.suspects()[0], name) for name in ("index", "label", "suggested", "score")
    }
    assert found.summary["said"] == []


def test_a_run_that_shows_nothing_leaves_nothing(wrap: Callable, tmp_path: Path) -> None:
    train_for(wrap(ratio=0), 2)
    assert not (tmp_path / "cache" / "history").exists()


def test_of_a_folder_that_was_deleted_no_file_stays_open(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5)
    learner = Learner(train)
    with warnings.catch_warnings(record=True) as said, train:
        warnings.simplefilter("always")
        for epoch in range(3):
            if epoch == 2:
                shutil.rmtree(tmp_path / "cache" / "history")
            for batch in train.loader(batch_size=8):
                learner.step(*batch)
    [sentence] = [str(one.message) for one in said]
    assert re.search(r"the history in .* was deleted or moved while in use, .* until it is closed$", sentence)
    assert not (tmp_path / "cache" / "history").exists()
    opened = [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]
    assert not [path for path in opened if path.startswith(str(tmp_path / "cache" / "history"))]


def test_a_folder_that_is_deleted_before_the_end_is_not_made_anew(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5)
    learner = Learner(train)
    with train:
        for batch in train.loader(batch_size=8):
            learner.step(*batch)
        shutil.rmtree(tmp_path / "cache" / "history")
    assert not (tmp_path / "cache" / "history").exists()


def test_what_cannot_be_recorded_is_said_once_and_training_goes_on(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "history").write_text("in the way")
    with pytest.warns(GenaugWarning, match="the history in .* cannot be written") as said:
        batches = train_for(train, 6)
    assert len(said) == 1
    assert len(batches) == 18
    assert any(meta.synthetic.any() for _, _, meta in batches)


def test_a_mistake_in_the_figures_does_not_reach_the_training_step(
    wrap: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("genaug_data.recording.figures_of", broken)
    train = wrap(ratio=0.5)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        train_for(train, 3)
    assert sum("a bug" in str(warning.message) for warning in said) == 1


def test_names_of_classes_are_bounded_text() -> None:
    class Base:
        classes = ("x" * 500, 7)

    assert names_of(Base()) == ["x" * 100, "7"]
    for unknown in ("abc", 3, None, ["x"] * 2000):
        Base.classes = unknown
        assert names_of(Base()) == []
