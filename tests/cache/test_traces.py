"""What names a forgotten example beside its variants goes with them, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genaug_data.cache import CacheWriter, forget
from genaug_data.catalogue import Catalogue
from genaug_data.journal import JournalWriter
from genaug_data.sample import Provenance, Recipe, Sample, Token
from genaug_data.sampler import HardExampleSampler
from tests.cache.records import image_of, key_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with CacheWriter(tmp_path, fingerprint="f", identity="f on set", max_bytes=1 << 20) as writer:
        for parent in (1, 2):
            made = Provenance(parent, f"{parent:032x}", 0, "f", Recipe(), 1, (), 0.5)
            writer.put([(key_of(parent), Sample(image_of(parent), 0), made)])
    return tmp_path


def journal(folder: Path, tokens: list[Token]) -> Path:
    writer = JournalWriter(folder / "journals", HardExampleSampler(8, Catalogue(), ratio=0.5).settings, pytest.fail)
    writer.begin_pass(0, 0)
    for token in tokens:
        writer.draw(token)
    writer.close()
    return folder / "journals" / writer.name


def test_journals_that_name_a_deleted_variant_go(folder: Path) -> None:
    naming = journal(folder, [Token(1, key_of(1)), Token(2, key_of(2))])
    other = journal(folder, [Token(1, key_of(1))])
    before = other.read_bytes()
    assert forget(folder, [2], progress=False).journals == (naming,)
    assert not naming.exists()
    assert other.read_bytes() == before
    assert forget(folder, [2], progress=False).journals == ()


def test_rows_of_the_example_go_from_the_summaries_of_runs(folder: Path) -> None:
    rows = [{"index": 1, "loss": 0.5}, {"index": 2, "loss": 9.0}]
    (folder / "history").mkdir()
    summary, damaged, lines = (
        folder / "history" / f"20200101-000000-1-00000{name}" for name in ("0.json", "1.json", "0.jsonl")
    )
    summary.write_text(json.dumps({"hardest": rows, "suspects": rows[1:], "time": 1.0}))
    damaged.write_text('{"hardest": [{"ind')
    lines.write_text('{"settings": {}}\n')
    forget(folder, [2], progress=False)
    assert json.loads(summary.read_text()) == {"hardest": rows[:1], "suspects": [], "time": 1.0}
    assert not damaged.exists()
    assert lines.exists()
    before = summary.stat().st_mtime_ns
    forget(folder, [2], progress=False)
    assert summary.stat().st_mtime_ns == before


def test_links_are_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "theirs.journal"
    outside.write_bytes(b"GAJ1" + key_of(2))
    (folder / "journals").mkdir()
    (folder / "journals" / "x.journal").symlink_to(outside)
    forget(folder, [2], progress=False)
    assert outside.read_bytes() == b"GAJ1" + key_of(2)
