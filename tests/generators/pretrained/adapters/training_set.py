"""A training set that differs by class, and ways to load and judge the tiny model that learns it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from genaug_data.generators.pretrained import DiffusersModel
from genaug_data.generators.pretrained.adapters import Adapter
from genaug_data.generators.pretrained.adapters.lessons import NoiseLessons
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.generators.pretrained.prompts import ClassPrompt
from genaug_data.generators.pretrained.words import embedded
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator

CPU = torch.device("cpu")
PROMPTS = ClassPrompt.anonymous(2)
RECIPE = Recipe(strength=0.5, guidance_scale=1.0, steps=4)


class Loading:
    """Loads a model in float32, with adapters, and counts how often."""

    def __init__(self, model: Path, *adapters: Adapter, heed: float = 1.0) -> None:
        self.calls = 0
        self._model, self._adapters, self._heed = model, adapters, heed

    def heeding(self, heed: float) -> Loading:
        """Return one whose denoiser heeds its prompt more: that of random weights hardly does."""
        return Loading(self._model, heed=heed)

    def __call__(self) -> Any:
        self.calls += 1
        model = DiffusersModel(str(self._model), adapters=self._adapters)
        pipeline = Pipeline(model, "AutoPipelineForImage2Image").load(torch.float32, len(self._adapters))
        with torch.no_grad():
            for name, weight in pipeline.unet.named_parameters():
                if "attn2.to_v" in name or "attn2.to_out" in name:
                    weight.mul_(self._heed)
        return pipeline


class Cut(Exception):
    """Ends a fit from within."""


class CutAfter:
    """A beat that ends the fit at one of its calls."""

    def __init__(self, beats: int) -> None:
        self._left = beats

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Cut


def pictures(count: int = 8, shape: tuple[int, ...] = (3, 16, 16)) -> list[Sample]:
    """Noise on a dark ground for class 0, on a bright one for class 1."""
    draw = torch_generator(5)
    return [
        Sample((torch.randint(0, 100, shape, generator=draw) + 150 * (number % 2)).to(torch.uint8), number % 2)
        for number in range(count)
    ]


def requests(count: int) -> list[Request]:
    return [Request(number, 0, RECIPE, seed=40 + number) for number in range(count)]


@torch.no_grad()
def loss_of(pipeline: Any, draws: int = 4) -> float:
    """Mean loss of a pipeline, always of the same examples with the same noise."""

    def tell(told: list[str]) -> dict[str, torch.Tensor]:
        return embedded(pipeline, told, CPU)

    samples, plan = pictures(), FitPlan(1, 1.0, batch_size=8, seed=99)
    lessons = NoiseLessons(pipeline, samples, [range(len(samples))], PROMPTS, tell, plan, CPU)
    return sum(lessons.loss(pipeline.unet, step).item() for step in range(draws)) / draws


def weights_of(pipeline: Any, *parts: str) -> dict[str, torch.Tensor]:
    """Copies of all weights of parts of a pipeline, by name."""
    return {
        f"{part}.{name}": value.detach().clone()
        for part in parts
        for name, value in getattr(pipeline, part).state_dict().items()
    }


def differing(before: Sequence[Sample], after: Sequence[Sample]) -> int:
    """Count the pictures that are not the same."""
    return sum(not one.image.equal(other.image) for one, other in zip(before, after, strict=True))
