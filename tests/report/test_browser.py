"""The report in a real browser: wide, narrow, light and dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genaug_data.report import write_report
from tests.report.browser import browser, look_at
from tests.report.runs import HOSTILE, LONG, fill, record

pytestmark = pytest.mark.skipif(
    browser() is None, reason="no Chromium is installed; apt-get install chromium looks at the page"
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    fill(tmp_path / "cache", variants=36, rejected=12, prompt=f"{HOSTILE} {'unbreakable' * 20}")
    record(tmp_path / "cache", [HOSTILE, LONG, "x" * 90], said=["the disk was full, " * 10 + "y" * 200])
    return write_report(tmp_path / "cache").read_text()


@pytest.mark.parametrize(("width", "is_dark"), [(1400, False), (400, True)])
def test_a_page_fits_its_window_and_is_seen(page: str, tmp_path: Path, width: int, is_dark: bool) -> None:
    look = look_at(page, width, tmp_path, is_dark=is_dark)
    found = look.found
    assert found["clientWidth"] == width
    assert found["scrollWidth"] == width, found["outside"]
    assert found["outside"] == []
    assert found["images"] == found["loaded"] == page.count("<img") > 50
    # What is hostile in names and prompts was shown as text.
    assert found["scripts"] == 0
    assert found["title"] == "Report of cache"
    # Something is drawn all over the window, and the colours are those of the scheme.
    assert look.pixels.shape[1] == width
    for band in np.array_split(look.pixels, 10):
        assert len(np.unique(band.reshape(-1, 3), axis=0)) > 20
    brightness = look.pixels[:, :4].mean()
    assert brightness < 60 if is_dark else brightness > 200
