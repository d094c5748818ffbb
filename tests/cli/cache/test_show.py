from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheWriter
from genaug_data.cli import main
from genaug_data.sample import Provenance, Recipe, Sample, Verdict

MADE = Provenance(
    parent=3,
    parent_hash="ab" * 16,
    variant=1,
    fingerprint="sd/1",
    recipe=Recipe(strength=0.5),
    seed=77,
    verdicts=(Verdict("validity", 1.0, True), Verdict("clip", 0.25, True, "", 0.2, {"snapshot": "s1"})),
    hardness=0.75,
    versions={"torch": "2.10"},
    created=0.0,
    prompt="a photo of a cat",
    origin={"model": "org/sd", "revision": "abc", "license": "openrail"},
    device="cpu",
    seconds=0.5,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
        writer.put([(b"\x5a" * 16, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), MADE)])
    return tmp_path / "cache"


def test_everything_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "show", str(folder), "5a5a"]) == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines() if not line.startswith("gate"))
    assert lines["key"] == f"{'5a' * 16}, accepted"
    assert lines["annotation"] == "class 3"
    assert lines["seed"] == "77"
    assert (lines["model"], lines["revision"], lines["license"]) == ("org/sd", "abc", "openrail")
    assert lines["prompt"] == "a photo of a cat"
    assert lines["created"] == "1970-01-01 00:00:00 UTC"
    assert main(["cache", "show", str(folder), "5a"]) == 0
    gates = [line for line in capsys.readouterr().out.splitlines() if line.startswith("gate")]
    assert gates[1].split(None, 1)[1] == "clip accepted, score 0.25 of 0.2; snapshot s1"


def test_json_has_all_fields(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "show", str(folder), "5a", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown.pop("key"), shown.pop("status"), shown.pop("annotation")) == ("5a" * 16, "accepted", "class 3")
    assert Provenance.from_json(json.dumps(shown)) == MADE


def test_what_is_missing_ends_with_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "show", str(folder), "77"]) == 1
    assert "begins with '77'" in capsys.readouterr().err
