from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheWriter
from genaug_data.errors import CacheError, SaveError
from genaug_data.report import write_report
from genaug_data.report.sections import SECTIONS
from genaug_data.sample import Sample
from tests.report.runs import HOSTILE, fill, picture, record


def sections_of(page: str) -> dict[str, str]:
    """Return the HTML of each section by its anchor."""
    return {found[1]: found[2] for found in re.finditer(r'<section id="(\w+)">(.*?)</section>', page, re.DOTALL)}


def test_a_whole_run_is_told_in_all_sections(tmp_path: Path) -> None:
    fill(tmp_path, variants=36)
    record(tmp_path, ["cat", "dog", "fox"])
    path = write_report(tmp_path)
    assert path == tmp_path / "report.html"
    found = sections_of(path.read_text())
    assert list(found) == [section.name for section in SECTIONS]
    assert "36 variants of 12 real examples can be trained on; 5 others were rejected" in found["overview"]
    assert "<b>12.5 %</b>" in found["overview"]
    assert found["hardest"].index("#2, fox") < found["hardest"].index("#0, cat")
    assert found["hardest"].count("<img") == 10 * (1 + 3)
    assert "priority 0.5, loss 2.50, 3 variants" in found["hardest"]
    assert found["rejected"].count("<img") == 2 * 5
    assert "too near, 3" in found["rejected"]
    assert "the nearest with a score of 0.1000; 5 were rejected, with scores of up to 0.0400" in found["leak"]
    assert "labelled dog, or cat?" in found["suspects"]
    assert found["hardness"].count("<polyline") == 6
    assert found["ratio"].count("<polyline") == 2
    assert "30 synthetic slots got a variant, 30 found none to show (50.0 %)" in found["ratio"]
    assert "17 images made in 9.5 s" in found["cost"]
    assert "fox" in found["classes"]
    assert "7 evicted" in found["cache"]
    assert found["map"].count("<circle") == 12 + 36


def test_the_page_needs_no_other_file_and_runs_nothing(tmp_path: Path) -> None:
    fill(tmp_path, variants=36)
    record(tmp_path)
    page = write_report(tmp_path).read_text()
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!data:image/|#)', page)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_hostile_names_and_prompts_are_text(tmp_path: Path) -> None:
    fill(tmp_path, prompt=HOSTILE)
    record(tmp_path, [HOSTILE] * 3, said=[HOSTILE])
    page = write_report(tmp_path).read_text()
    assert "<script" not in page
    assert 'onerror="' not in page
    assert page.count("&lt;script&gt;") > 10


def test_what_a_cache_that_was_only_warmed_up_lacks_is_said(tmp_path: Path) -> None:
    fill(tmp_path)
    found = sections_of(write_report(tmp_path).read_text())
    for name in ("suspects", "hardness", "ratio"):
        assert "history here" in found[name]
        assert found[name].count("<p") == 1
    assert "#0" in found["hardest"]
    assert re.findall(r">(\d+)</text>", found["classes"]) == ["6", "3", "3"]


def test_an_empty_cache_has_a_report(tmp_path: Path) -> None:
    CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 20).close()
    found = sections_of(write_report(tmp_path, tmp_path / "new" / "page.html").read_text())
    assert "No variant has been made so far." in found["overview"]
    assert "<img" not in "".join(found.values())


def test_damaged_records_are_counted_and_left_out(tmp_path: Path) -> None:
    fill(tmp_path)
    record(tmp_path)
    data = tmp_path / "variants" / "data.mdb"
    pixels = picture(4).numpy().tobytes()
    data.write_bytes(data.read_bytes().replace(pixels, pixels[::-1]))
    found = sections_of(write_report(tmp_path).read_text())
    assert "1 record of the cache cannot be read and is left out" in found["overview"]
    # One parent has two variants left.
    assert found["hardest"].count("<img") == 4 * (1 + 3) - 1


@pytest.mark.parametrize("name", ["hardest", "suspects", "stats", "real per class", "usefulness", "said"])
@pytest.mark.parametrize("value", [None, 3, "x", [None], [{"index": "x"}], {"a": []}])
def test_a_damaged_summary_takes_no_other_section_along(tmp_path: Path, name: str, value: object) -> None:
    fill(tmp_path, variants=6, rejected=1)
    record(tmp_path, **{name: value})
    found = sections_of(write_report(tmp_path).read_text())
    assert list(found) == [section.name for section in SECTIONS]
    assert sum("could not be shown" in text for text in found.values()) <= 1


def test_a_file_system_that_is_damaged_beyond_records_is_said(tmp_path: Path) -> None:
    fill(tmp_path)
    data = tmp_path / "variants" / "data.mdb"
    data.write_bytes(data.read_bytes()[:5000])
    found = sections_of(write_report(tmp_path).read_text())
    assert "The cache cannot be read: " in found["overview"]


def test_the_training_set_gives_the_images_of_all_real_examples(tmp_path: Path) -> None:
    fill(tmp_path)
    record(tmp_path, suspects=[{"index": 8, "label": 0, "suggested": -1, "score": 0.5}])
    without = sections_of(write_report(tmp_path).read_text())
    samples = [Sample(picture(500 + index), 0) for index in range(9)]
    found = sections_of(write_report(tmp_path, samples=samples, classes=["owl", "elk", "cow"]).read_text())
    assert "<img" not in without["suspects"]
    assert "pass --config" in without["suspects"]
    assert found["suspects"].count("<img") == 1
    assert "labelled owl, or not?" in found["suspects"]
    # The pictures that the run kept are those of the same examples.
    image = re.compile(r'class="real"><img src="([^"]+)"')
    assert image.findall(found["hardest"]) == image.findall(without["hardest"])


def test_samples_that_cannot_be_read_give_way_to_the_kept_pictures(tmp_path: Path) -> None:
    class Broken(list):
        def __getitem__(self, index: int) -> Sample:
            raise OSError("the disk is gone")

    fill(tmp_path)
    found = sections_of(write_report(tmp_path, samples=Broken([0] * 9)).read_text())
    assert found["hardest"].count("<img") == 16
    assert "could not be shown" in found["map"]


def test_features_of_ones_own_make_the_map(tmp_path: Path) -> None:
    seen = []

    def features(images: torch.Tensor) -> torch.Tensor:
        seen.append(images.shape)
        return images.flatten(1).float()[:, :7]

    fill(tmp_path, variants=36)
    found = sections_of(write_report(tmp_path, features=features).read_text())
    assert seen == [(48, 3, 16, 16)]
    assert "by the given features" in found["map"]


def test_what_is_no_cache_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="there is no cache in"):
        write_report(tmp_path / "none")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(CacheError, match="there is no cache in"):
        write_report(tmp_path / "other")


def test_a_page_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    fill(tmp_path, variants=3, rejected=0)
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match="cannot be written"):
        write_report(tmp_path, tmp_path / "file" / "page.html")
    assert not list(tmp_path.glob(".*"))
