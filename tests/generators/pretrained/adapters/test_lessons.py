from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.pretrained.adapters.fit_job import rows_of
from genaug_data.generators.pretrained.adapters.lessons import NoiseLessons, check_family
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.generators.pretrained.words import embedded
from tests.generators.pretrained.adapters.training_set import CPU, PROMPTS, Loading, pictures


class Knowing:
    """A denoiser that works the answer out from the latent image, which it was told beforehand."""

    def __init__(self, pipeline: Any, answer: str, clean: torch.Tensor) -> None:
        self._kept, self._answer, self._clean = pipeline.scheduler.alphas_cumprod, answer, clean

    def __call__(self, noisy: torch.Tensor, levels: torch.Tensor, **told: object) -> SimpleNamespace:
        signal, share = (part.sqrt().view(-1, 1, 1, 1) for part in (self._kept[levels], 1 - self._kept[levels]))
        clean = self._clean.expand_as(noisy)
        noise = (noisy - signal * clean) / share
        answers = {"epsilon": noise, "sample": clean, "v_prediction": signal * noise - share * clean}
        return SimpleNamespace(sample=answers[self._answer])


@pytest.mark.parametrize("answer", ["epsilon", "v_prediction", "sample"])
def test_the_answer_is_what_the_scheduler_says(load: Loading, answer: str) -> None:
    pipeline, samples = load(), pictures(1)
    pipeline.scheduler.register_to_config(prediction_type=answer)
    plan = FitPlan(1, 1.0, batch_size=3)
    lessons = NoiseLessons(pipeline, samples, [[0]], PROMPTS, lambda told: {"prompt_embeds": told}, plan, CPU)
    with torch.no_grad():
        image = samples[0].image[None].float().div(127.5).sub(1)
        clean = pipeline.vae.encode(image).latent_dist.mode() * pipeline.vae.config.scaling_factor
    assert lessons.loss(Knowing(pipeline, answer, clean), 0).item() < 1e-4
    other = "sample" if answer != "sample" else "epsilon"
    assert lessons.loss(Knowing(pipeline, other, clean), 0).item() > 0.1


def test_groups_are_drawn_equally_often(load: Loading) -> None:
    told: list[str] = []

    def tell(prompts: list[str]) -> dict[str, Any]:
        told.extend(prompts)
        return {"prompt_embeds": None}

    pipeline, samples = load(), [*pictures(8)[::2], pictures(2)[1]]
    lessons = NoiseLessons(pipeline, samples, [range(4), [4]], PROMPTS, tell, FitPlan(1, 1.0, batch_size=60), CPU)
    lessons.loss(lambda noisy, levels, **given: SimpleNamespace(sample=noisy), 0)
    assert 20 <= sum("<class-1>" in prompt for prompt in told) <= 40


def test_the_losses_of_the_parts_of_a_batch_add_up_whatever_the_sizes(load: Loading) -> None:
    pipeline, samples = load(), [*pictures(2, (1, 20, 9)), *pictures(2, (4, 16, 33)), *pictures(2)]
    plan, groups = FitPlan(1, 1.0, batch_size=5), [range(6)]

    def tell(told: list[str]) -> dict[str, torch.Tensor]:
        return embedded(pipeline, told, CPU)

    lessons = NoiseLessons(pipeline, samples, groups, PROMPTS, tell, plan, CPU)
    with torch.no_grad():
        for step in range(3):
            whole = lessons.loss(pipeline.unet, step).item()
            parts = [lessons.loss(pipeline.unet, step, rows_of(5, rank, 3)).item() for rank in range(3)]
            assert sum(parts) == pytest.approx(whole, rel=1e-5)
            assert len(set(parts)) == 3


def without_unet(pipeline: Any) -> None:
    pipeline.unet = None


def with_flow(pipeline: Any) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    pipeline.scheduler = FlowMatchEulerDiscreteScheduler()


def with_a_mask(pipeline: Any) -> None:
    pipeline.unet.register_to_config(in_channels=9)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_unet, "has no UNet"),
        (with_flow, "has a scheduler of another kind, FlowMatchEulerDiscreteScheduler"),
        (with_a_mask, "has a UNet for inpainting, with 9 channels"),
    ],
)
def test_a_model_of_another_family_is_said(load: Loading, change: Any, sentence: str) -> None:
    pipeline = load()
    check_family(pipeline)
    change(pipeline)
    with pytest.raises(GeneratorError, match=sentence):
        check_family(pipeline)
