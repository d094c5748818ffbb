from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.pretrained import DiffusersModel
from genaug_data.generators.pretrained.base import PretrainedGenerator
from genaug_data.generators.pretrained.loaded import Order
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.testing.tiny_models import save_controlnet
from tests.generators.pretrained.families import (
    FAMILIES,
    MEMBERS,
    PAIRS,
    RECIPE,
    furthest,
    opened,
    requests,
    samples,
    told,
)

Folders = Callable[[str], Path]
Members = Callable[[str, str], PretrainedGenerator]
each_pair = pytest.mark.parametrize(("family", "member"), PAIRS)


@each_pair
def test_size_channels_and_annotation_are_kept(member_of: Members, family: str, member: str) -> None:
    generator = member_of(family, member)
    for shape in ((3, 21, 35), (1, 16, 17), (4, 9, 16)):
        parents = samples(2, shape, member)
        made = generator.generate(parents, requests(2))
        for parent, child in zip(parents, made, strict=True):
            assert child.image.shape == shape
            assert child.image.dtype == torch.uint8
            assert child.target is parent.target
            assert (child.image[:3] != parent.image[:3]).any()
            assert child.image[3:].equal(parent.image[3:])


@each_pair
def test_a_variant_does_not_depend_on_its_batch(member_of: Members, family: str, member: str) -> None:
    generator = member_of(family, member)
    parents, orders = samples(6, member=member), requests(6)
    together = generator.generate(parents, orders)
    alone = [generator.generate([parents[place]], [orders[place]])[0] for place in (0, 5)]
    assert furthest([together[place] for place in (0, 5)], alone) <= 1
    assert furthest(generator.generate(parents[::-1], orders[::-1])[::-1], together) <= 1


@each_pair
def test_seed_and_prompt_make_a_difference(member_of: Members, family: str, member: str) -> None:
    generator, parents = member_of(family, member), samples(1, member=member)
    other_prompt = told(generator, "17 dogs in the snow")
    # Where all is made anew, the parent outweighs nothing.
    recipe = Recipe(strength=1.0, guidance_scale=5.0, steps=3)
    first = generator.generate(parents, [Request(0, 0, recipe, seed=1)])
    assert furthest(generator.generate(parents, [Request(0, 0, recipe, seed=1)]), first) == 0
    assert furthest(generator.generate(parents, [Request(0, 0, recipe, seed=2)]), first) > 20
    assert furthest(other_prompt.generate(parents, [Request(0, 0, recipe, seed=1)]), first) > 1
    assert generator.fingerprint != other_prompt.fingerprint


@each_pair
def test_it_makes_what_the_plain_pipeline_makes(
    folder_of: Folders, member_of: Members, monkeypatch: pytest.MonkeyPatch, family: str, member: str
) -> None:
    if member == "image":
        # All that differs: a pipeline draws from the posterior, a generator takes its mode.
        take_the_mode(monkeypatch)
    pipeline = plain_pipeline(folder_of(family), MEMBERS[member].kind)
    for count, guidance, negative in ((2, 3.0, "blurred"), (1, 3.0, ""), (1, 1.0, "blurred")):
        parents = samples(count, (3, 16, 32), member)
        orders = requests(count, Recipe(strength=0.5, guidance_scale=guidance, steps=4))
        made = told(member_of(family, member), "a red fox", negative).generate(parents, orders)
        expected = [
            plainly_made(pipeline, parent, order, "a red fox", negative, member)
            for parent, order in zip(parents, orders, strict=True)
        ]
        assert furthest(made, expected) <= 1


def take_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


def plain_pipeline(folder: Path, kind: str) -> Any:
    import diffusers

    pipeline = getattr(diffusers, kind).from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def plainly_made(pipeline: Any, parent: Sample, order: Request, prompt: str, negative: str, member: str) -> Sample:
    height, width = parent.image.shape[1:]
    arguments = {
        "prompt": prompt,
        "negative_prompt": negative or None,
        "image": parent.image[None] / 255,
        "mask_image": torch.as_tensor(parent.target == 1)[None, None].float(),
        "strength": order.recipe.strength,
        "height": height,
        "width": width,
        "guidance_scale": order.recipe.guidance_scale,
        "num_inference_steps": order.recipe.steps,
        "generator": torch.Generator().manual_seed(order.seed),
        "output_type": "pt",
    }
    takes = inspect.signature(pipeline.__call__).parameters
    image = pipeline(**{name: value for name, value in arguments.items() if name in takes}).images[0]
    image = image.mul(255).round().to(torch.uint8)
    return Sample(torch.where(parent.target == 1, image, parent.image) if member == "inpainting" else image, None)


@pytest.mark.parametrize(
    "family", [family for family in FAMILIES if family not in ("inpainting", "latent_consistency")]
)
def test_an_edit_is_never_stronger_than_it_was_asked_to_be(member_of: Members, family: str) -> None:
    generator, steps = copy(member_of(family, "image")), []
    generator.between_steps = lambda: steps.append(1)
    for strength, count, whole in ((0.7, 3, 2), (0.5, 4, 2), (0.8, 4, 3), (0.99, 4, 3), (1.0, 2, 2), (0.7, 10, 7)):
        steps.clear()
        first, other = samples(2)
        order = requests(1, Recipe(strength=strength, guidance_scale=1.0, steps=count))
        made = generator.generate([first], order)
        assert len(steps) == whole
        if strength < 0.9:
            assert furthest(generator.generate([other], order), made) > 1


def test_fingerprints_of_families_and_members_differ(folder_of: Folders, member_of: Members) -> None:
    names = [member_of(family, member).fingerprint for family, member in PAIRS]
    assert len(set(names)) == len(PAIRS)
    digests = [
        Pipeline(DiffusersModel(str(folder_of(family))), "any").digest(torch.device("cpu")) for family in FAMILIES
    ]
    assert len(set(digests)) == len(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_pickled_is_the_name_alone(member_of: Members, family: str) -> None:
    member = "inpainting" if family == "inpainting" else "image"
    generator, parents = member_of(family, member), samples(1, member=member)
    before = generator.generate(parents, requests(1))
    content = pickle.dumps(generator)
    assert len(content) < 2000
    assert furthest(pickle.loads(content).generate(parents, requests(1)), before) == 0


@pytest.mark.parametrize(
    ("family", "member", "sentence"),
    [
        ("inpainting", "image", "fine-tuned for inpainting: its denoiser takes 9 channels, not 4; use Inpainting"),
        ("inpainting", "text", "fine-tuned for inpainting: its denoiser takes 9 channels, not 4; use Inpainting"),
        ("latent_consistency", "inpainting", "diffusers cannot load the model in .* as AutoPipelineForInpainting"),
    ],
)
def test_a_family_that_a_member_has_no_pipeline_for_is_said(
    folder_of: Folders, family: str, member: str, sentence: str
) -> None:
    with pytest.raises(GeneratorError, match=sentence):
        opened(folder_of(family), member).generate(samples(1, member=member), requests(1))


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_xl"])
def test_a_controlnet_steers_what_is_made(folder_of: Folders, tmp_path: Path, family: str) -> None:
    controlnet = save_controlnet(tmp_path / "controlnet", of=folder_of(family))
    pipeline = Pipeline(DiffusersModel(str(folder_of(family))), MEMBERS["image"].kind, str(controlnet))
    parents = samples(2)
    images = torch.stack([parent.image for parent in parents]) / 255

    def made(control: torch.Tensor) -> torch.Tensor:
        inputs = {"image": images, "control_image": control, "strength": 0.75}
        order = Order(RECIPE, [1, 2], parents, ["a cat", "a dog"], "", inputs)
        return pipeline.call(torch.device("cpu"), order).images

    black, other = made(torch.zeros_like(images)), made(torch.stack([images[0] * 0, images[1]]))
    assert black.shape == images.shape
    assert (black[0] - other[0]).abs().max() < 1 / 255
    assert (black[1] - other[1]).abs().max() > 1 / 255
    without = Pipeline(DiffusersModel(str(folder_of(family))), MEMBERS["image"].kind)
    assert pipeline.digest(torch.device("cpu")) != without.digest(torch.device("cpu"))
    assert pipeline.identity != without.identity
