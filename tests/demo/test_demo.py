from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genaug_data.cli import main
from genaug_data.demo.comparison import ARMS, run_arm, table
from genaug_data.demo.data import find_data
from genaug_data.demo.digits import load_digits_split
from genaug_data.errors import DataError
from tests.toys import Noisy


def test_the_split_is_few_shot_and_disjoint() -> None:
    train, test = load_digits_split(shots=5)
    assert np.bincount(train.labels).tolist() == [5] * 10
    assert len(train) + len(test) == 1797
    assert train[0][0].dtype == torch.uint8
    assert int(train.images.max()) == 255
    known = {image.numpy().tobytes() for image in train.images}
    assert not any(image.numpy().tobytes() in known for image in test.images)
    again, _ = load_digits_split(shots=5)
    assert torch.equal(again.images, train.images)


def test_every_arm_trains_and_a_run_is_a_function_of_its_seed(tmp_path: Path) -> None:
    train, test = load_digits_split(shots=5)
    accuracies = {}
    for place, arm in enumerate(ARMS):
        runs = [run_arm(arm, train, test, Noisy(), tmp_path / f"{place}-{run}", seed=0, epochs=12) for run in range(2)]
        assert runs[0] == runs[1]
        accuracies[arm.name] = runs[0]
    assert all(20 < accuracy <= 100 for accuracy in accuracies.values())
    assert len(set(accuracies.values())) > 1


def test_the_table_says_means_deviations_and_paired_gains() -> None:
    shown = table({"classic only": [90.0, 94.0], "other": [91.0, 93.0]}).splitlines()
    # The gains are +1 and -1: with one degree of freedom the interval is 12.706 * sqrt(2) / sqrt(2) to each side.
    assert re.search(r"other +92\.0 \+- 1\.4 +\+0\.0 \(-12\.7 to \+12\.7\)", shown[2])
    assert "real only" not in table({"classic only": [90.0]})


def test_the_demo_runs_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--small", "--out", str(tmp_path), "--progress=false"]) == 0
    shown = capsys.readouterr().out
    assert "classic + generative, hard parents" in shown
    assert "accepted" in shown
    with Image.open(tmp_path / "families.png") as picture:
        assert picture.width > 100
    assert json.loads((tmp_path / "cache-10-shots-10-steps" / "genaug.json").read_text())["format"] == 3


def test_image_sets_are_found_unpacked_or_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open" / "camvid").mkdir(parents=True)
    assert find_data("camvid", tmp_path / "open") == tmp_path / "open" / "camvid"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "camvid_240x180.zip", "w") as archive:
        archive.writestr("camvid/classes.txt", "sky")
    monkeypatch.setenv("GENAUG_DATA", str(tmp_path / "packed"))
    for _ in range(2):
        assert (find_data("camvid") / "classes.txt").read_text() == "sky"
    with pytest.raises(DataError, match=r"the image set cifar10 is neither in .* set GENAUG_DATA"):
        find_data("cifar10")
