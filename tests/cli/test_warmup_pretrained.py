"""``genaug warmup`` with a pretrained model, as a configuration file names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.cache import CacheReader
from genaug_data.cli import main
from genaug_data.testing.tiny_models import save_stable_diffusion

# Toys have few examples.
pytestmark = pytest.mark.filterwarnings("ignore:the prompts name classes")

CONFIG = """
base:
  class_path: tests.toys.ToyDataset
  init_args: {{count: 4}}
generator:
  class_path: genaug_data.generators.pretrained.ImageToImage
  init_args:
    model:
      class_path: genaug_data.generators.pretrained.DiffusersModel
      init_args: {{name: {model}, scheduler: EulerDiscreteScheduler}}
    prompts:
      class_path: genaug_data.generators.pretrained.ClassPrompt
      init_args: {{classes: [zero, one, two, three, four, five, six, seven, eight, nine]}}
    batch_size: 4
recipes:
  class_path: genaug_data.RecipePolicy
  init_args: {{strength: [0.5, 0.5], steps: 4}}
cache: {folder}
worker: inline
variants: 2
progress: false
"""


def test_it_fills_a_cache_once(tmp_path: Path) -> None:
    model = save_stable_diffusion(tmp_path / "model")
    (model / "README.md").write_text("---\nlicense: openrail\n---\n# A model\n")
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG.format(model=model, folder=tmp_path / "cache"))
    assert main(["warmup", "--config", str(config)]) == 0
    with CacheReader(tmp_path / "cache") as reader:
        records = {entry.key: reader.provenance(entry.key) for entry in reader.entries()}
    assert len(records) == 8
    for made in records.values():
        assert made.prompt.startswith("a photo of a ")
        assert made.origin == {"model": str(model), "license": "openrail"}
        assert (made.device, made.recipe.steps) == ("cpu", 4)
    assert main(["warmup", "--config", str(config)]) == 0
    with CacheReader(tmp_path / "cache") as reader:
        assert {entry.key for entry in reader.entries()} == set(records)
