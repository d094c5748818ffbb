"""How fast variants are made: from requests to records in the cache, against a plain loop and a hand-tuned one.

The networks have random weights, built from a configuration: speed does not depend on what they have learned. On a CPU
they are tiny, and what is measured is what lies around them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from benchmarks.reporting import interleaved, report
from genaug_data.cache import CacheReader
from genaug_data.generators.pretrained import ClassPrompt, ImageToImage
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing.tiny_models import save_stable_diffusion
from genaug_data.workers import Budget, InlineWorker, Job

GOALS = {"vs_naive": 1.2, "vs_tuned": 0.95}
RECIPE = Recipe(strength=0.5, guidance_scale=2.0, steps=8)
CLASSES = ("cat", "dog", "bird")
BATCH = 16


def naive(pipeline: Callable, parents: Sequence[Sample]) -> list[torch.Tensor]:
    """Return a variant of each parent, one image a call, as the published scripts do."""
    return [
        pil_to_tensor(
            pipeline(
                prompt=f"a photo of a {CLASSES[parent.target]}",
                image=to_pil_image(parent.image),
                strength=RECIPE.strength,
                guidance_scale=RECIPE.guidance_scale,
                num_inference_steps=RECIPE.steps,
                generator=torch.Generator().manual_seed(number),
            ).images[0]
        )
        for number, parent in enumerate(parents)
    ]


@torch.no_grad()
def encoded(pipeline: Any) -> dict[int, torch.Tensor]:
    """Return the prompt of each class as the model takes it, and at -1 that of nothing."""
    told = {number: f"a photo of a {name}" for number, name in enumerate(CLASSES)} | {-1: ""}
    return {number: pipeline.encode_prompt(text, torch.device("cpu"), 1, False)[0] for number, text in told.items()}


def tuned(pipeline: Callable, words: dict[int, torch.Tensor], parents: Sequence[Sample]) -> list[torch.Tensor]:
    """Return the same by batches of tensors, with prompts that were encoded before."""
    made: list[torch.Tensor] = []
    for start in range(0, len(parents), BATCH):
        part = parents[start : start + BATCH]
        images = pipeline(
            prompt_embeds=torch.cat([words[parent.target] for parent in part]),
            negative_prompt_embeds=words[-1].expand(len(part), -1, -1),
            image=torch.stack([parent.image for parent in part]).float() / 255,
            strength=RECIPE.strength,
            guidance_scale=RECIPE.guidance_scale,
            num_inference_steps=RECIPE.steps,
            generator=[torch.Generator().manual_seed(start + place) for place in range(len(part))],
            output_type="pt",
        ).images
        made += list((images * 255).round().byte())
    return made


class Ours:
    """The whole path: requests to a worker, variants through no gate, records in a cache on disk."""

    def __init__(self, model: Path, parents: list[Sample], folder: Path) -> None:
        generator = ImageToImage(str(model), prompts=ClassPrompt(CLASSES), batch_size=BATCH, device="cpu")
        self._folder, self._parents, self._calls = folder, parents, 0
        self._job = Job(parents, generator, [], folder, "benchmark", 1 << 30, batch_size=BATCH, progress=False)
        self._worker = InlineWorker(self._job, Budget(), capacity=len(parents))
        self._worker.start()
        while self._worker.stats().state == "starting":
            self._worker.poll()

    def __call__(self) -> int:
        """Make one variant of each parent and return how many records the cache holds."""
        self._calls += 1
        self._worker.submit(
            [Request(place, self._calls, RECIPE, self._calls * 10_000 + place) for place in range(len(self._parents))]
        )
        while self._worker.stats().outstanding:
            self._worker.poll()
        return self._calls * len(self._parents)

    def close(self) -> int:
        """Stop, and return how many records there are."""
        self._worker.close()
        with CacheReader(self._folder) as reader:
            return reader.stats().records


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks generation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer images")
    parser.add_argument("--size", type=int, default=32, help="sides of the images")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    count, blocks = (32, 2) if chosen.quick else (64, 4)
    draw = torch_generator(0)
    shape = (3, chosen.size, chosen.size)
    parents = [
        Sample(torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw), number % len(CLASSES))
        for number in range(count)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        from diffusers import AutoPipelineForImage2Image

        model = save_stable_diffusion(Path(scratch) / "model")
        pipeline = AutoPipelineForImage2Image.from_pretrained(model, local_files_only=True, use_safetensors=True)
        pipeline.set_progress_bar_config(disable=True)
        words = encoded(pipeline)
        ours = Ours(model, parents, Path(scratch) / "cache")
        against_naive = interleaved(ours, lambda: naive(pipeline, parents), blocks)
        against_tuned = interleaved(ours, lambda: tuned(pipeline, words, parents), blocks)
        made, calls = ours.close(), 2 * (2 * blocks + 1)
        if made != calls * count:
            raise SystemExit(f"{made} variants are in the cache, {calls * count} were ordered; see its counts")
    figures, rows = {}, []
    for name, (mine, theirs) in (("naive", against_naive), ("tuned", against_tuned)):
        ratio = statistics.median(other / own for own, other in zip(mine, theirs, strict=True))
        figures[f"vs_{name}"] = ratio
        figures[f"{name}_images_per_s"] = count / statistics.median(theirs)
        rows.append((f"vs_{name}", f"{ratio:.2f}", GOALS[f"vs_{name}"]))
    figures["images_per_s"] = count / statistics.median(against_tuned[0])
    rows += [(name, f"{figures[name]:.1f}", "") for name in figures if name.endswith("per_s")]
    report("generation", figures, ("figure", "measured", "goal"), rows)
