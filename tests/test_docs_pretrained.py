"""What docs/pretrained.md shows can be run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from genaug_data.cache import CacheReader
from genaug_data.cli import main
from genaug_data.testing.tiny_models import save_stable_diffusion
from tests.toys import toy_base

# Toys have few examples.
pytestmark = pytest.mark.filterwarnings("ignore:the prompts name classes")

PAGE = Path(__file__).parent.parent / "docs" / "pretrained.md"


class Named(list):
    """A dataset that says which classes it has."""

    classes = ("cat", "dog", "cow")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_each_block_of_code_imports_what_it_uses(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    items = toy_base(12, size=16, channels=3)
    names = {"train_set": Named(items[:6]), "val": Named(items[6:])}
    exec(compile(code, str(PAGE), "exec"), names)
    assert "generator" in names or "train" in names


def test_the_configuration_fills_a_cache_with_mixed_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [text] = blocks("yaml")
    images = iter(toy_base(6, size=16, channels=3))
    for part, count in (("train", 2), ("val", 1)):
        for name in ("cat", "dog"):
            folder = tmp_path / "data" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(next(images)[0].permute(1, 2, 0).numpy()).save(folder / f"{number}.png")
    save_stable_diffusion(tmp_path / "models" / "sd-1.5")
    (tmp_path / "run.yaml").write_text(text + "worker: inline\nprogress: false\n")
    assert yaml.safe_load(text)["variants"] == 2
    assert main(["warmup", "--config", "run.yaml"]) == 0
    with CacheReader(tmp_path / "runs" / "pets") as reader:
        entries = list(reader.entries())
        labels = [sample.target for sample in reader.gather([entry.key for entry in entries])]
    assert 1 <= len(entries) <= 8
    for label in labels:
        assert label.dtype == torch.float32
        assert label.sum().item() == pytest.approx(1)
        assert 0 < label[0].item() < 1
