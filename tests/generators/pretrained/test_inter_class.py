from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import ClassPrompt, DomainPrompt, ImageToImage, InterClass
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator

RECIPE = Recipe(strength=0.5, guidance_scale=2.0, steps=4)
PROMPTS = ClassPrompt(["cat", "dog", "cow"])


def parent(target: int | torch.Tensor) -> Sample:
    return Sample(torch.randint(0, 255, (3, 16, 16), dtype=torch.uint8, generator=torch_generator(5)), target)


def test_the_prompt_names_another_class_and_each_as_often(model: Path) -> None:
    generator = InterClass(str(model), prompts=PROMPTS, device="cpu")
    told = [generator.told(parent(1), seed) for seed in range(300)]
    counts = {name: told.count(f"a photo of a {name}") for name in PROMPTS.classes}
    assert counts["dog"] == 0
    assert counts["cat"] + counts["cow"] == 300
    assert 115 < counts["cat"] < 185


def test_the_image_is_that_of_the_other_prompt(model: Path) -> None:
    generator = InterClass(str(model), prompts=PROMPTS, device="cpu")
    [made] = generator.generate([parent(0)], [Request(0, 0, RECIPE, seed=3)])
    other = PROMPTS.classes.index(generator.told(parent(0), 3).split()[-1])
    plain = ImageToImage(str(model), prompts=PROMPTS, device="cpu")
    [expected] = plain.generate([parent(other)], [Request(0, 0, RECIPE, seed=3)])
    assert made.image.equal(expected.image)
    assert generator.origin(parent(0), Request(0, 0, RECIPE, seed=3))["prompt"] == generator.told(parent(0), 3)


@pytest.mark.parametrize(("strength", "gamma"), [(0.25, 0.5), (0.7, 0.5), (0.7, 2.0)])
def test_the_label_is_the_parents_with_the_probability_of_the_soft_label(
    model: Path, strength: float, gamma: float
) -> None:
    generator = InterClass(str(model), prompts=PROMPTS, gamma=gamma, device="cpu")
    recipe = replace(RECIPE, strength=strength)
    labels = [generator.annotation(parent(1), Request(0, 0, recipe, seed)) for seed in range(1000)]
    # Four standard deviations of a share of 1,000 are 0.063 at most.
    assert labels.count(1) / 1000 == pytest.approx(1 - strength**gamma, abs=0.065)
    for seed, label in enumerate(labels):
        assert label == 1 or generator.told(parent(1), seed).endswith(PROMPTS.classes[label])


def test_vectors_of_probabilities_are_mixed(model: Path) -> None:
    generator = InterClass(str(model), prompts=PROMPTS, gamma=0.5, device="cpu")
    one_hot = torch.tensor([0.0, 1.0, 0.0])
    request = Request(0, 0, replace(RECIPE, strength=0.25), seed=8)
    mixed = generator.annotation(parent(one_hot), request)
    other = PROMPTS.classes.index(generator.told(parent(one_hot), 8).split()[-1])
    expected = torch.tensor([0.5 if number in (1, other) else 0.0 for number in range(3)])
    assert torch.allclose(mixed, expected)


def test_what_cannot_be_mixed_is_said(model: Path) -> None:
    with pytest.raises(ConfigError, match="need two of them"):
        InterClass(str(model), prompts=ClassPrompt(["cat"]))
    with pytest.raises(ConfigError, match="gamma must be above 0"):
        InterClass(str(model), prompts=PROMPTS, gamma=0)
    with pytest.raises(ConfigError, match="must be a ClassPrompt, got a DomainPrompt"):
        InterClass(str(model), prompts=DomainPrompt(PROMPTS, ["in snow"]))
    with pytest.raises(GeneratorError, match="a probability for each of the 3 classes"):
        InterClass(str(model), prompts=PROMPTS).told(parent(torch.ones(2) / 2), 0)
    with pytest.raises(GeneratorError, match="no id of the 3 classes"):
        InterClass(str(model), prompts=PROMPTS).told(parent(3), 0)


def test_a_mask_is_said_to_be_none_of_both(model: Path) -> None:
    with pytest.raises(GeneratorError, match="pass ImageToImage or Inpainting for masks"):
        InterClass(str(model), prompts=PROMPTS).told(parent(torch.zeros(16, 16)), 0)
