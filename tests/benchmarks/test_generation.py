from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoPipelineForImage2Image

from benchmarks.generation import Ours, encoded, naive, tuned
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing.tiny_models import save_stable_diffusion


def test_all_three_make_as_many_images_and_the_two_loops_the_same(tmp_path: Path) -> None:
    model = save_stable_diffusion(tmp_path / "model")
    pipeline = AutoPipelineForImage2Image.from_pretrained(model, local_files_only=True, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    parents = [
        Sample(torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=torch_generator(seed)), seed % 3)
        for seed in range(3)
    ]
    slow, fast = naive(pipeline, parents), tuned(pipeline, encoded(pipeline), parents)
    assert max(int((one.int() - other.int()).abs().max()) for one, other in zip(slow, fast, strict=True)) <= 1
    ours = Ours(model, parents, tmp_path / "cache")
    assert [ours(), ours()] == [3, 6]
    assert ours.close() == 6
