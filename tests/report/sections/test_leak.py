from __future__ import annotations

from pathlib import Path

from genaug_data.report import LeakPair
from genaug_data.report.blocks import Chart, Comparisons, Text
from genaug_data.report.pictures import data_uri
from genaug_data.report.run import read_run
from genaug_data.report.sections.leak import Leak
from genaug_data.sample import Sample
from tests.report.runs import fill, picture


def test_the_nearest_variants_are_shown_nearest_first(tmp_path: Path) -> None:
    fill(tmp_path, variants=30, rejected=3)
    told, chart, nearest = Leak().blocks(read_run(tmp_path))
    assert isinstance(told, Text)
    assert told.text.startswith("30 variants were let pass, the nearest with a score of 0.1000; 3 were rejected")
    assert isinstance(chart, Chart)
    assert isinstance(nearest, Comparisons)
    assert [row.note for row in nearest.rows] == [f"score {0.1 + number / 100:.4f}" for number in range(12)]
    assert [row.others[0].uri for row in nearest.rows] == [data_uri(picture(number)) for number in range(12)]
    assert [row.title for row in nearest.rows] == [f"#{number // 3}" for number in range(12)]


def test_pairs_of_an_audit_come_first(tmp_path: Path) -> None:
    fill(tmp_path, variants=3, rejected=0)
    pairs = [
        LeakPair(distance, Sample(picture(1), 0), Sample(picture(2), 0), f"pair {distance}")
        for distance in (0.5, 0.02, 0.3)
    ]
    first = Leak().blocks(read_run(tmp_path, pairs=pairs))[0]
    assert isinstance(first, Comparisons)
    assert [row.title for row in first.rows] == ["pair 0.02", "pair 0.3", "pair 0.5"]
    assert first.rows[0].real.uri == data_uri(picture(1))


def test_without_a_leak_gate_nothing_is_claimed(tmp_path: Path) -> None:
    from genaug_data.cache import CacheWriter
    from tests.report.runs import made

    with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
        writer.put([(b"k" * 16, Sample(picture(1), 0), made(0, 0))])
    assert "nothing is known" in Leak().build(read_run(tmp_path)).missing
