"""A fit goes on where it was cut off, and says what is wrong."""

import os
import signal
import subprocess
import sys

import pytest

from genaug_data.errors import GenaugWarning, GeneratorError
from tests.generators.pictures import sides, small

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
from pictures import sides, small
beats = 0
def beat():
    global beats
    beats += 1
    if beats == {beats}:
        os.kill(os.getpid(), signal.SIGKILL)
generator = small(max_steps=40, unlabelled=sides(3), checkpoint_seconds=0.0)
generator.fit(sides(20), Path({folder!r}), progress=False, beat=beat)
"""


def test_a_killed_fit_goes_on_and_ends_with_the_same_bits(tmp_path):
    whole = small(max_steps=40, unlabelled=sides(3))
    whole.fit(sides(20), tmp_path / "whole", progress=False)
    folder = tmp_path / "killed"
    code = KILLED.format(here=os.path.dirname(__file__), beats=23 + 16, folder=str(folder))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    [place] = folder.iterdir()
    assert [file.name for file in place.iterdir()] == ["progress.safetensors"]
    taken = []
    resumed = small(max_steps=40, unlabelled=sides(3))
    resumed.fit(sides(20), folder, progress=False, beat=lambda: taken.append(1))
    # 16 beats after the 23 images: 15 steps and an evaluation; 25 steps and three evaluations are left.
    assert len(taken) == 23 + 25 + 3, "it did not go on from the checkpoint"
    assert resumed.record == whole.record
    assert resumed.fingerprint == whole.fingerprint


def test_a_damaged_checkpoint_is_said_and_begun_anew(tmp_path):
    whole = small(max_steps=12)
    whole.fit(sides(8), tmp_path / "whole", progress=False)

    class Stop(Exception):
        pass

    steps = []

    def beat():
        steps.append(1)
        if len(steps) == 8 + 6:
            raise Stop

    with pytest.raises(Stop):
        small(max_steps=12, checkpoint_seconds=0.0).fit(sides(8), tmp_path / "cut", progress=False, beat=beat)
    [file] = (tmp_path / "cut").glob("*/progress.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    again = small(max_steps=12)
    with pytest.warns(GenaugWarning, match="the checkpoint of a fit is damaged, starting anew"):
        again.fit(sides(8), tmp_path / "cut", progress=False)
    assert again.record == whole.record


def test_early_stopping_keeps_the_best_weights(tmp_path):
    # A rate far too high: after the first good weights it only gets worse, or stays.
    generator = small(max_steps=400, learning_rate=0.5, patience=2, channels=(8,))
    generator.fit(sides(30), tmp_path, progress=False)
    record = generator.record
    assert record.steps < 400
    assert record.best_step < record.steps
    assert len([step for step, _ in record.losses if step > record.best_step]) == 2


def test_a_fit_that_diverges_is_said(tmp_path):
    with pytest.raises(GeneratorError, match="the fit diverged: the loss is nan after 10 steps; lower learning_rate"):
        small(max_steps=10, learning_rate=1e38).fit(sides(8), tmp_path, progress=False)


def test_every_image_read_and_every_step_beats(tmp_path):
    beats = []
    small(max_steps=5).fit(sides(6), tmp_path, progress=False, beat=lambda: beats.append(1))
    assert len(beats) >= 6 + 5


def test_progress_bars_can_be_turned_off(tmp_path, capsys):
    small().fit(sides(6), tmp_path / "quiet", progress=False)
    assert capsys.readouterr().err == ""
    small().fit(sides(6), tmp_path / "shown", progress=True)
    shown = capsys.readouterr().err
    assert "reading" in shown
    assert "fitting" in shown
