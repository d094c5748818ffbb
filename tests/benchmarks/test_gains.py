from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.accuracy.picture import draw_gains


def test_a_gain_is_green_a_loss_red_and_what_may_be_either_blue(tmp_path: Path) -> None:
    arms = {"better": [2.0, 2.5, 3.0], "worse": [-2.0, -2.5, -3.0], "either": [-1.0, 1.0, 0.2]}
    draw_gains({"ten a class": ("classic only", arms)}, "Digits", tmp_path / "new" / "gains.png")
    picture = np.asarray(Image.open(tmp_path / "new" / "gains.png")).astype(int)
    rows = []
    for colour in ((0x2B, 0x8A, 0x3E), (0xC9, 0x2A, 0x2A), (0x33, 0x66, 0x9E)):
        found = np.where(np.abs(picture - colour).sum(2) < 12)
        assert len(found[0]) > 30
        rows.append((np.median(found[0]), np.median(found[1])))
    heights, places = zip(*rows, strict=True)
    assert list(heights) == sorted(heights)
    assert places[1] < places[2] < places[0]
