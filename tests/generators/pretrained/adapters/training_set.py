"""A training set that differs by class, small enough to be learned in a few steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from genaug_data.generators.pretrained.adapters.lessons import NoiseLessons
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.generators.pretrained.prompts import ClassPrompt
from genaug_data.generators.pretrained.words import embedded
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator

CPU = torch.device("cpu")
PROMPTS = ClassPrompt.anonymous(2)


def pictures(count: int = 8, shape: tuple[int, ...] = (3, 16, 16)) -> list[Sample]:
    """Noise on a dark ground for class 0, on a bright one for class 1."""
    draw = torch_generator(5)
    return [
        Sample((torch.randint(0, 100, shape, generator=draw) + 150 * (number % 2)).to(torch.uint8), number % 2)
        for number in range(count)
    ]


@torch.no_grad()
def loss_of(pipeline: Any, samples: Sequence[Sample], draws: int = 8) -> float:
    """Mean loss of a pipeline, always of the same examples with the same noise."""

    def tell(told: list[str]) -> dict[str, torch.Tensor]:
        return embedded(pipeline, told, CPU)

    plan = FitPlan(1, 1.0, batch_size=8, seed=99)
    lessons = NoiseLessons(pipeline, samples, [range(len(samples))], PROMPTS, tell, plan, CPU)
    return sum(lessons.loss(pipeline.unet, step).item() for step in range(draws)) / draws
