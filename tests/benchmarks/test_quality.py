from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.quality import comparison
from benchmarks.quality.comparison import image_metrics, main, measure, rising, rows_of
from benchmarks.quality.degradations import (
    OF_IMAGES,
    Degradation,
    Labelled,
    displaced_masks,
    noisy_masks,
    of_masks,
    smoothed_masks,
    swapped_masks,
)
from benchmarks.quality.picture import Panel, draw_curves
from genaug_data.features import Pixels
from genaug_data.seeding import torch_generator

MASKS = torch.randint(0, 5, (24, 12, 16), generator=torch_generator(0))
IMAGES = torch.randint(0, 256, (200, 3, 20, 20), dtype=torch.uint8, generator=torch_generator(1))
DATA = Labelled(IMAGES, torch.arange(200) % 10)


@pytest.mark.parametrize("name", of_masks(5, 3))
def test_masks_are_spoiled_more_and_more_and_not_at_all_at_first(name: str) -> None:
    way = of_masks(5, 3)[name]
    spoiled = [way.spoil(MASKS, strength, 7) for strength in way.strengths]
    assert all(part.shape == MASKS.shape and int(part.max()) < 5 for part in spoiled)
    if name != "label_shift":
        assert torch.equal(spoiled[0], MASKS)
        changed = [int((part != MASKS).sum()) for part in spoiled]
        assert changed[0] == 0 < changed[1]
    else:
        wanted = [float((part == 3).double().mean()) for part in spoiled]
        assert wanted[-1] > wanted[0]
    assert torch.equal(way.spoil(MASKS, way.strengths[2], 7), spoiled[2])


@pytest.mark.parametrize("name", OF_IMAGES)
def test_images_are_spoiled_more_and_more_and_not_at_all_at_first(name: str) -> None:
    way = OF_IMAGES[name]
    first, *others = (way.spoil(DATA, strength, 7) for strength in way.strengths)
    assert all(part.images.shape == IMAGES.shape and part.images.dtype == torch.uint8 for part in others)
    if name in ("noise", "blur"):
        far = [float((part.images.float() - IMAGES.float()).abs().mean()) for part in (first, *others)]
        assert far == sorted(far)
        assert (far[0], len(set(far))) == (0, 5)
    elif name == "class_swap":
        shares = [float((part.labels != DATA.labels).double().mean()) for part in (first, *others)]
        assert shares == pytest.approx(way.strengths, abs=0.1)
        assert torch.equal(others[-1].labels, DATA.labels ^ 1)
    else:
        assert int(others[-1].labels.max()) == 4 < int(first.labels.max())


def test_what_a_mask_degradation_does_is_worked_out_by_hand() -> None:
    mask = torch.tensor([[[0, 0, 0, 0], [0, 3, 0, 0], [0, 0, 2, 2]]])
    assert displaced_masks(mask, 1, 0).tolist() == [[[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 3, 0]]]
    assert swapped_masks(mask, 1.0, 0, classes=4).tolist() == [[[1, 1, 1, 1], [1, 2, 1, 1], [1, 1, 3, 3]]]
    # Without class 3 there is nobody to exchange 2 with; 3 stands for what is ignored.
    assert swapped_masks(mask, 1.0, 0, classes=3).tolist() == [[[1, 1, 1, 1], [1, 3, 1, 1], [1, 1, 2, 2]]]
    assert smoothed_masks(mask, 3, 0)[0, 1, 1] == 0
    assert float((noisy_masks(MASKS, 0.3, 0, classes=5) != MASKS).double().mean()) == pytest.approx(0.24, abs=0.03)


def test_values_are_measured_by_seed_and_the_steps_that_rise_are_counted() -> None:
    way = Degradation("", (0, 1, 2), lambda data, strength, seed: data + strength * (1 if seed else -1), ("up", "flat"))
    metrics = {"up": lambda real, other: float((other - real).mean()), "flat": lambda real, other: 1.0}
    found = measure(lambda seed: (torch.zeros(2), torch.zeros(2)), {"way": way}, metrics, (0, 1), "sets")
    assert found == {"way": {"up": [[0, -1, -2], [0, 1, 2]], "flat": [[1, 1, 1], [1, 1, 1]]}}
    assert (rising(found["way"]["up"]), rising(found["way"]["flat"])) == (0.5, 0)
    assert rows_of("sets", found, {"way": way})[0] == ["sets: way", "0 1 2", "up", "0", "0", "0", "0.50"]


def test_swapped_labels_move_the_distance_of_each_class_alone() -> None:
    coloured = Labelled((IMAGES // 8 + (DATA.labels * 20).view(-1, 1, 1, 1)).byte(), DATA.labels)
    metrics = image_metrics(Pixels(2))
    swapped = OF_IMAGES["class_swap"].spoil(coloured, 1.0, 0)
    with pytest.warns(match="means little"):
        before, after = (metrics["fid_by_class"](coloured, other) for other in (coloured, swapped))
    with pytest.warns(match="means little"):
        whole = metrics["fid"](coloured, swapped)
    assert whole == pytest.approx(0, abs=1e-6)
    assert before == pytest.approx(0, abs=1e-6)
    assert after > 0.01


def test_curves_are_drawn_in_their_colours(tmp_path: Path) -> None:
    panel = Panel("noise", "pixels", (0, 1, 2), {"rising": [[0, 1, 2], [0, 2, 3]], "flat": [[1, 1, 1], [1, 1, 1]]})
    draw_curves([[panel, panel], [panel]], "Curves", tmp_path / "new" / "curves.png")
    picture = np.asarray(Image.open(tmp_path / "new" / "curves.png").convert("RGB")).astype(int)
    for colour in ((0xC2, 0x25, 0x5C), (0x33, 0x66, 0x9E)):
        assert (np.abs(picture - colour).sum(2) < 12).sum() > 60


def test_the_whole_benchmark_runs_on_a_few_small_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = torch_generator(3)
    for part in ("train", "val", "test"):
        (tmp_path / "camvid" / part / "masks").mkdir(parents=True)
        for number in range(8):
            mask = torch.randint(0, 12, (30, 36), dtype=torch.uint8, generator=draw)
            Image.fromarray(mask.numpy()).save(tmp_path / "camvid" / part / "masks" / f"{number}.png")
    for part in ("train", "test"):
        for label in range(10):
            (tmp_path / "cifar10" / part / str(label)).mkdir(parents=True)
            for number in range(20):
                image = torch.randint(0, 256, (20, 20, 3), dtype=torch.uint8, generator=draw)
                Image.fromarray(image.numpy()).save(tmp_path / "cifar10" / part / str(label) / f"{number}.png")
    monkeypatch.setattr(comparison, "QUICK_STEPS", 2)
    monkeypatch.setattr(comparison, "QUICK_IMAGES", 200)
    main(["--quick", "--data", str(tmp_path), "--picture", str(tmp_path / "quality.png")])
    lines = capsys.readouterr().out.splitlines()
    last = json.loads(lines[-1])
    assert last["benchmark"] == "quality"
    assert len(lines) == 2 + 18 + 1 + 1
    assert set(last["figures"]) >= {"mask_fid.rising", "fid.rising", "images.class_swap.fid.rising"}
    assert last["figures"]["images.class_swap.fid.rising"] == 0
    assert all(0 <= value <= 1 for value in last["figures"].values())
    assert (tmp_path / "quality.png").stat().st_size > 1000
