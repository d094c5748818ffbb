from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genaug_data.errors import DataError
from genaug_data.report import draw_suspects
from genaug_data.report.suspects import _caption
from genaug_data.sample import Sample
from genaug_data.targeting import Suspect

SAMPLES = [Sample(torch.full((1, 8, 8), 100 + number, dtype=torch.uint8), number) for number in range(9)]


def test_the_most_suspicious_are_drawn_first_and_only_so_many(tmp_path: Path) -> None:
    suspects = [Suspect(index, index, (index + 1) % 3, 1 - index / 10) for index in (4, 2, 7, 1, 0)]
    path = draw_suspects(suspects, SAMPLES, tmp_path / "new" / "suspects.png", most=4, columns=2, scale=4)
    picture = np.asarray(Image.open(path).convert("L"))
    places = []
    for index in (4, 2, 7, 1):
        rows, columns = np.where(picture == 100 + index)
        assert (picture == 100 + index).sum() >= 32 * 32
        places.append((int(np.median(rows)) // 60, int(np.median(columns)) // 60))
    # In rows of two.
    assert places == sorted(places)
    assert len({row for row, _ in places}) == 2
    assert (picture == 100).sum() < 32 * 32


def test_captions_name_label_and_suggestion() -> None:
    assert _caption(Suspect(7, 3, 5, 0.9), None) == ("#7 is 3", "or 5?")
    assert _caption(Suspect(7, 1, 0, 0.9), ("cat", "dog")) == ("#7 is dog", "or cat?")
    assert _caption(Suspect(7, 1, -1, 0.9), ("cat", "dog")) == ("#7 is dog", "or not?")


def test_long_names_do_not_widen_the_picture(tmp_path: Path) -> None:
    names = ["a class with a very long name indeed", "cat"]
    shown = [Suspect(index, 0, 1, 0.9) for index in range(8)]
    with Image.open(draw_suspects(shown, SAMPLES, tmp_path / "x.png", classes=names)) as picture:
        assert picture.width <= 8 * (24 * 6 + 8) + 8
    assert _caption(Suspect(7, 0, 1, 0.9), names) == ("#7 is a class with a v..", "or cat?")
    assert _caption(Suspect(7, 1, 0, 0.9), names)[1] == "or a class with a very.."


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no suspect to draw"):
        draw_suspects([], SAMPLES, tmp_path / "x.png")
