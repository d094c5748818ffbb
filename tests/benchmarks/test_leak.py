from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.leak.alterations import ALTERATIONS, enlarged, pasted
from benchmarks.leak.comparison import DUPLICATES, detected, main, natural_duplicates
from tests.copies.scenes import scenes

IMAGE = scenes(1, 0)[0].image.permute(1, 2, 0).numpy()


def test_the_share_found_is_of_those_nearer_than_all_but_some_negatives() -> None:
    random = np.random.default_rng(0)
    plants, negatives = random.random(50), random.random(2000)
    for rate in (0.0, 0.001, 0.01, 0.1):
        allowed = int(rate * 2000)
        # The largest limit that takes no more than so many negatives for copies.
        best = max((negatives < limit).sum() for limit in negatives if (negatives < limit).sum() <= allowed)
        limit = sorted(negatives)[best]
        assert detected(plants, negatives, rate) == sum(plant < limit for plant in plants) / 50


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_copy_keeps_its_size_and_what_it_is(name: str) -> None:
    altered = ALTERATIONS[name](IMAGE, np.random.default_rng(0))
    assert (altered.shape, altered.dtype) == (IMAGE.shape, np.uint8)
    assert (altered == IMAGE).all() == (name == "copy")
    again = ALTERATIONS[name](IMAGE, np.random.default_rng(0))
    assert (altered == again).all()


def test_a_part_lies_untouched_in_an_image_twice_as_large() -> None:
    background = scenes(1, 1)[0].image.permute(1, 2, 0).numpy()
    larger = pasted(IMAGE, background, np.random.default_rng(3))
    assert larger.shape == (64, 64, 3)
    places = [
        (top, left)
        for top in range(33)
        for left in range(33)
        if (larger[top : top + 32, left : left + 32] == IMAGE).all()
    ]
    assert len(places) == 1
    top, left = places[0]
    outside = np.ones((64, 64), bool)
    outside[top : top + 32, left : left + 32] = False
    assert (larger == enlarged(background))[outside].all()


def test_duplicates_are_listed_by_the_name_of_the_training_image() -> None:
    listed = [line.split() for line in DUPLICATES.read_text().splitlines() if not line.startswith("#")]
    assert len(listed) == len({tuple(pair) for pair in listed}) > 100
    assert natural_duplicates([listed[0][0], "airplane/none.jpg", listed[-1][0]]).tolist() == [True, False, True]


def test_the_whole_benchmark_runs_on_a_few_smooth_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for part, seed in (("train", 5), ("test", 6)):
        (tmp_path / "cifar10" / part / "scene").mkdir(parents=True)
        for number, sample in enumerate(scenes(150, seed)):
            file = tmp_path / "cifar10" / part / "scene" / f"{number:04}.jpg"
            Image.fromarray(sample.image.permute(1, 2, 0).numpy()).save(file)
    # Its two threads would fight with the other tests for the cores.
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr("benchmarks.leak.comparison.PLANTS", 100)
    monkeypatch.setattr("benchmarks.leak.comparison.CALLS", 1)
    main(["--quick", "--data", str(tmp_path), "--pictures", str(tmp_path / "pictures")])
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["benchmark"] == "leak"
    assert {name.split(".")[1] for name in last["figures"] if name.startswith("detection.")} == {*ALTERATIONS, "part"}
    assert last["figures"]["detection.copy"] == last["figures"]["detection.flip"] == 1.0
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["leak.png", "leak_negatives.png"]
