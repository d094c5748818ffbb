from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.cli import main
from genaug_data.recipes import RecipePolicy
from genaug_data.sample import Provenance, Recipe, Sample, Verdict
from tests.toys import toy_base

CONFIG = """
base:
  class_path: tests.toys.ToyDataset
  init_args: {{count: 6}}
generator: {{class_path: tests.toys.Noisy}}
cache: {folder}
worker: inline
variants: 2
progress: false
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    verdicts = (Verdict("validity", 1.0, True), Verdict("leak", 0.0, False, "a copy"))
    records = [
        (bytes([number] * 16), Sample(image, label), Provenance(number // 2, "", 0, "f", Recipe(), 0, (), 0.0))
        for number, (image, label) in enumerate(toy_base(6))
    ]
    with CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
        writer.put(records)
        writer.reject([(bytes(16), Provenance(9, "", 0, "f", Recipe(), 0, verdicts, 0.0))])
    return tmp_path / "cache"


def test_help_and_unknown_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "warmup" in capsys.readouterr().out
    assert main(["dance"]) == 2
    assert "no command 'dance'; there are demo, warmup, audit, cache" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--seeds", "0"], "genaug demo: --seeds must be at least 1, got 0"),
        (["demo", "--colour", "red"], "genaug demo: unrecognized arguments: --colour red; see genaug demo --help"),
        (["cache", "prune", "no/such/folder", "--max-bytes", "many"], "see genaug cache --help"),
        (["cache", "prune", "no/such/folder", "--max-bytes", "-5"], "max_bytes must be at least 1, got -5"),
        (["warmup", "--config", "no/such/file.yaml"], "see genaug warmup --help"),
        (["warmup", "--cache", "x"], "the following arguments are required: base; see genaug warmup --help"),
        (
            ["warmup", "--cache=x", "--base=tests.toys.ToyDataset", "--variants=0"],
            "--variants must be at least 1, got 0",
        ),
        (
            ["warmup", "--cache=x", "--base=torchvision.datasets.ImageFolder", "--base.root=no/such/folder"],
            "the configured objects cannot be made: FileNotFoundError",
        ),
    ],
)
def test_wrong_command_lines_end_with_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("genaug_data ")


def test_the_command_is_installed() -> None:
    program = "import sys; from genaug_data.cli import main; sys.exit(main(['cache', 'stats', 'no/such/folder']))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "genaug cache: there is no cache in no/such/folder" in ended.stderr


def test_stats_verify_and_prune(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "stats", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "6, made from 3 examples" in shown
    assert "by leak           1" in shown
    assert main(["cache", "verify", str(folder), "--progress=false"]) == 0
    assert "6 records, 0 damaged" in capsys.readouterr().out
    assert main(["cache", "prune", str(folder), "--max-bytes=2500", "--progress=false"]) == 0
    with CacheReader(folder) as reader:
        left = reader.stats()
    assert f"{6 - left.records} records removed" in capsys.readouterr().out
    assert 0 < left.bytes <= 2500


def test_damage_is_reported_by_the_exit_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "variants" / "data.mdb"
    content = bytearray(path.read_bytes())
    pixels = toy_base(6)[2][0].numpy().tobytes()
    content[content.find(pixels)] ^= 255
    path.write_bytes(content)
    assert main(["cache", "verify", str(folder), "--progress=false"]) == 1
    assert f"damaged: {bytes([2] * 16).hex()}" in capsys.readouterr().out


def test_a_warm_up_from_a_file_fills_the_cache_and_a_rerun_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=tmp_path / "cache"))
    assert main(["warmup", "--config", str(config)]) == 0
    assert "accepted" in capsys.readouterr().out
    with CacheReader(tmp_path / "cache") as reader:
        before = reader.entries()
    assert len(before) == 12
    assert main(["warmup", "--config", str(config)]) == 0
    assert "found" in capsys.readouterr().out
    with CacheReader(tmp_path / "cache") as reader:
        assert reader.entries() == before


def test_a_warm_up_asks_for_the_recipes_that_training_asks_for(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=tmp_path / "cache") + "recipes: {strength: [0.3, 0.3]}\n")
    assert main(["warmup", "--config", str(config)]) == 0
    with CacheReader(tmp_path / "cache") as reader:
        strengths = {reader.provenance(entry.key).recipe.strength for entry in reader.entries()}
    assert strengths == {RecipePolicy(strength=(0.3, 0.3)).recipe(0.5, 0, 0, 0).strength} == {0.3}


def test_wrong_configurations_end_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=tmp_path / "cache") + "max_children: 0\n")
    assert main(["warmup", "--config", str(config)]) == 1
    assert "max_children must be at least 1, got 0" in capsys.readouterr().err


def test_a_variant_is_listed_and_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, config = tmp_path / "cache", tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=folder))
    assert main(["warmup", "--config", str(config)]) == 0
    capsys.readouterr()
    assert main(["cache", "list", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    key, _, parent, _, variant, size, _ = lines[5].split()
    picture = tmp_path / "picture.png"
    assert main(["cache", "remake", key, "--config", str(config), "--picture", str(picture)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"parent {parent}, variant {variant}, seed ")
    assert said.endswith("equal, bit by bit\n")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert int(size) > 64


@pytest.mark.parametrize("key", ["zz", "00", "é" * 32, "0" * 33])
def test_a_key_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=tmp_path / "cache"))
    assert main(["cache", "remake", key, "--config", str(config)]) == 1
    assert "a key has 32 hexadecimal digits, got" in capsys.readouterr().err
    assert main(["cache", "list", str(tmp_path / "none")]) == 1
    assert "there is no cache in" in capsys.readouterr().err
