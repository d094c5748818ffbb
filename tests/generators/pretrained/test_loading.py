from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import GeneratorError, WorkerError
from genaug_data.generators.pretrained import DiffusersModel, FixedPrompt, ImageToImage
from genaug_data.generators.pretrained.files import ModelFiles
from genaug_data.generators.pretrained.loading import load_pipeline, replace_scheduler
from genaug_data.recipes import RecipePolicy
from genaug_data.sample import Recipe
from genaug_data.testing.tiny_models import save_autoencoder_tiny, save_stable_diffusion
from tests.generators.pretrained.families import furthest, opened, requests, samples
from tests.generators.pretrained.test_families import plain_pipeline, plainly_made

Folders = Callable[[str], Path]
KIND = ImageToImage.kind


def edits(model: Path, **settings: Any) -> ImageToImage:
    prompts = FixedPrompt("a cat", negative="blurred")
    return ImageToImage(DiffusersModel(str(model), **settings), prompts=prompts, device="cpu", batch_size=4)


@pytest.mark.parametrize("name", ["LCMScheduler", "EulerDiscreteScheduler"])
def test_another_scheduler_takes_the_place_of_the_models_own(model: Path, name: str) -> None:
    pipeline = load_pipeline(ModelFiles(model), KIND, torch.float32)
    before = dict(pipeline.scheduler.config)
    replace_scheduler(pipeline, name)
    assert type(pipeline.scheduler).__name__ == name
    assert pipeline.scheduler.config.timestep_spacing == "trailing" != before["timestep_spacing"]
    assert all(pipeline.scheduler.config[key] == before[key] for key in ("beta_start", "beta_end", "prediction_type"))

    other, own, parents = edits(model, scheduler=name), edits(model), samples(3)
    made = other.generate(parents, requests(3))
    assert furthest(made, own.generate(parents, requests(3))) > 1
    assert furthest(made[1:2], other.generate(parents[1:2], requests(3)[1:2])) <= 1
    assert other.fingerprint != own.fingerprint


@pytest.mark.parametrize("name", ["NoSuchScheduler", "UNet2DConditionModel", "euler"])
def test_a_scheduler_that_is_none_is_said(model: Path, name: str) -> None:
    with pytest.raises(GeneratorError, match=f"diffusers has no scheduler '{name}'; pass 'LCMScheduler' or") as caught:
        edits(model, scheduler=name).generate(samples(1), requests(1))
    assert "\n" not in str(caught.value)


def test_a_scheduler_that_cannot_be_made_of_the_models_settings_is_said(model: Path) -> None:
    with pytest.raises(GeneratorError, match="the scheduler UnCLIPScheduler cannot take the place"):
        edits(model, scheduler="UnCLIPScheduler").generate(samples(1), requests(1))


@pytest.mark.parametrize(
    ("family", "name"), [("stable_diffusion", "FlowMatchEulerDiscreteScheduler"), ("flux", "EulerDiscreteScheduler")]
)
def test_a_scheduler_of_another_kind_of_diffusion_is_said(folder_of: Folders, family: str, name: str) -> None:
    with pytest.raises(GeneratorError, match=f"trained for schedulers like its .*Scheduler, got '{name}'"):
        edits(folder_of(family), scheduler=name).generate(samples(1), requests(1))


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_xl", "stable_diffusion_3", "flux"])
def test_a_tiny_autoencoder_takes_the_place_of_the_models_own(folder_of: Folders, tmp_path: Path, family: str) -> None:
    channels = 16 if family in ("stable_diffusion_3", "flux") else 4
    tiny = save_autoencoder_tiny(tmp_path / "tiny", latent_channels=channels)
    generator, parents = edits(folder_of(family), autoencoder=str(tiny)), samples(2)
    made = generator.generate(parents, requests(2))
    pipeline = plain_pipeline(folder_of(family), KIND)
    pipeline.vae = type(generator._pipeline.load(torch.float32, 0).vae).from_pretrained(tiny, local_files_only=True)
    assert type(pipeline.vae).__name__ == "AutoencoderTiny"
    # It has no posterior to draw from, so that the pipeline encodes what the generator encodes.
    expected = [
        plainly_made(pipeline, parent, order, "a cat", "blurred", "image")
        for parent, order in zip(parents, requests(2), strict=True)
    ]
    assert furthest(made, expected) <= 1
    assert generator.fingerprint != edits(folder_of(family)).fingerprint


def test_an_autoencoder_that_is_none_is_said(model: Path) -> None:
    with pytest.raises(GeneratorError, match=f"{model}/unet holds a UNet2DConditionModel and no Autoencoder"):
        edits(model, autoencoder=str(model / "unet")).generate(samples(1), requests(1))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"attention": "xformers"}, 'xformers cannot be used here .*: leave out attention="xformers"'),
        ({"offload": True}, "offload moves parts between a GPU and the CPU, got the device cpu; leave it out here"),
    ],
)
def test_what_is_not_to_be_had_on_a_cpu_is_said(model: Path, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GeneratorError, match=sentence) as caught:
        edits(model, **settings).generate(samples(1), requests(1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_3", "flux"])
def test_channels_last_changes_no_image(folder_of: Folders, family: str) -> None:
    last, plain, parents = edits(folder_of(family), channels_last=True), edits(folder_of(family)), samples(2)
    assert furthest(last.generate(parents, requests(2)), plain.generate(parents, requests(2))) <= 1
    assert last.fingerprint == plain.fingerprint
    weight = last._pipeline._loaded._pipeline.vae.encoder.conv_in.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("family", "network", "method"),
    [
        ("stable_diffusion", "UNet2DConditionModel", "compile_repeated_blocks"),
        ("flux", "FluxTransformer2DModel", "compile_repeated_blocks"),
        ("stable_diffusion_3", "SD3Transformer2DModel", "compile"),
    ],
)
def test_a_compiled_denoiser_sees_batches_of_one_size(
    folder_of: Folders, monkeypatch: pytest.MonkeyPatch, family: str, network: str, method: str
) -> None:
    import diffusers

    denoiser, compiled, sizes = getattr(diffusers, network), [], []
    monkeypatch.setattr(denoiser, method, lambda self: compiled.append(self))
    forward = denoiser.forward

    def seen(self: Any, images: torch.Tensor | None = None, *args: Any, **settings: Any) -> Any:
        images = settings.pop("hidden_states") if images is None else images
        sizes.append(len(images))
        return forward(self, images, *args, **settings)

    monkeypatch.setattr(denoiser, "forward", seen)
    recipe = Recipe(strength=0.5, guidance_scale=1.0, steps=4)
    parents, orders = samples(6), requests(6, recipe)
    plain = edits(folder_of(family)).generate(parents, orders)
    assert set(sizes) == {4, 2}
    assert not compiled
    sizes.clear()
    generator = edits(folder_of(family), compile=True)
    assert furthest(generator.generate(parents, orders), plain) <= 1
    assert furthest(generator.generate(parents[5:], orders[5:]), plain[5:]) <= 1
    assert set(sizes) == {4}
    assert len(compiled) == 1
    assert generator.fingerprint == edits(folder_of(family)).fingerprint


def test_nothing_that_is_pickled_is_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **settings: Any) -> None:
        raise AssertionError("torch.load was called")

    monkeypatch.setattr(torch, "load", refused)
    assert len(opened(model).generate(samples(1), requests(1))) == 1


def test_another_unet_takes_the_place_of_the_models_own(model: Path, tmp_path: Path) -> None:
    other = save_stable_diffusion(tmp_path / "other", seed=1)
    changed, own = edits(model, unet=str(other / "unet")), edits(model)
    mixed = tmp_path / "mixed"
    shutil.copytree(model, mixed)
    shutil.rmtree(mixed / "unet")
    shutil.copytree(other / "unet", mixed / "unet")
    made = changed.generate(samples(2), requests(2))
    assert furthest(made, edits(mixed).generate(samples(2), requests(2))) == 0
    assert furthest(made, own.generate(samples(2), requests(2))) > 1
    assert len({changed.fingerprint, own.fingerprint}) == 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"scheduler": "Nope"}, "diffusers has no scheduler 'Nope'"),
        # It is made of the model's settings, and fits to no step of this pipeline.
        ({"scheduler": "IPNDMScheduler"}, "no variant can be made in 4 steps with the IPNDMScheduler .*no attribute"),
        (
            {"scheduler": "SCMScheduler"},
            "in 4 steps with the SCMScheduler .*; pass another scheduler, or steps that it",
        ),
        ({"attention": "xformers"}, "xformers cannot be used here"),
        ({"offload": True}, "offload moves parts between a GPU and the CPU"),
    ],
)
def test_settings_that_cannot_work_end_a_run_at_its_start(
    model: Path, tmp_path: Path, settings: dict[str, Any], sentence: str
) -> None:
    base = [(sample.image, sample.target) for sample in samples(4)]
    train = GenerativeAugmentDataset(
        base,
        cache=tmp_path / "cache",
        generator=edits(model, **settings),
        recipes=RecipePolicy(strength=(0.5, 0.5), steps=4),
        gates=[],
        worker="inline",
        progress=False,
    )
    with train, pytest.raises(WorkerError, match=sentence):
        train.warmup(1)
    assert train.stats()["images made"] == 0


def test_more_steps_than_a_scheduler_takes_end_a_run_at_its_start(model: Path) -> None:
    [parent] = samples(1)
    generator = edits(model, scheduler="LCMScheduler")
    generator.rehearse(parent, Recipe(strength=0.5, steps=50), None)
    with pytest.raises(GeneratorError, match=r"in 60 steps with the LCMScheduler .*; pass another scheduler, or steps"):
        generator.rehearse(parent, Recipe(strength=0.5, steps=60), None)


def test_a_rehearsal_makes_one_step_and_leaves_no_trace(model: Path) -> None:
    steps: list[int] = []
    generator, [parent] = edits(model), samples(1)
    before = generator.generate([parent], requests(1))
    call = generator._pipeline.call

    def counting(device: torch.device, order: Any, *, between_steps: Any, **settings: Any) -> Any:
        def step() -> None:
            steps.append(1)
            between_steps()

        return call(device, order, between_steps=step, **settings)

    generator._pipeline.call = counting  # type: ignore[method-assign]
    generator.rehearse(parent, Recipe(strength=1.0, steps=6), None)
    assert steps == [1]
    assert generator.generate([parent], requests(1))[0].image.equal(before[0].image)
    assert len(steps) > 1
