"""Adapters in a generator: fitted one after the other, part of the fingerprint, in every image."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import GenaugWarning, GeneratorError
from genaug_data.generators.pretrained import DiffusersModel, DomainPrompt, FixedPrompt, ImageToImage
from genaug_data.generators.pretrained.adapters import Lora, TextualInversion, TextualInversionFile
from genaug_data.testing.tiny_models import save_stable_diffusion
from tests.generators.pretrained.adapters.training_set import PROMPTS, differing, pictures, requests

# Toys have few examples.
pytestmark = pytest.mark.filterwarnings("ignore:the prompts name classes")


def generator(model: Path, seed: int = 0) -> ImageToImage:
    adapters = [
        TextualInversion(2, vectors=2, steps=2, learning_rate=0.1, batch_size=2, seed=seed),
        Lora(2, steps=2, learning_rate=0.05, batch_size=2),
    ]
    return ImageToImage(DiffusersModel(str(model), adapters=adapters), prompts=PROMPTS, device="cpu")


@pytest.fixture(scope="module")
def fits(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageToImage, Path]:
    """A fitted generator and the folder of its fits, to which later ones add."""
    folder, both = tmp_path_factory.mktemp("fits"), generator(model)
    with pytest.raises(GeneratorError, match="TextualInversion has not been fitted yet"):
        _ = both.fingerprint
    both.fit(pictures(), folder, progress=False)
    return both, folder


def made(generator: ImageToImage) -> list[Any]:
    return generator.generate(pictures(2), requests(2))


def test_words_and_layers_make_a_difference_and_are_found_again(model: Path, fits: tuple[ImageToImage, Path]) -> None:
    both, folder = fits
    images = made(both)
    assert differing(images, made(ImageToImage(str(model), prompts=PROMPTS, device="cpu"))) == 2
    again = generator(model)
    again.fit(pictures(), folder, progress=False)
    assert again.fingerprint == both.fingerprint
    copied = pickle.loads(pickle.dumps(again))
    assert copied.fingerprint == both.fingerprint
    assert differing(made(copied), images) == 0


def test_layers_belong_to_the_words_that_were_there_before_them(model: Path, fits: tuple[ImageToImage, Path]) -> None:
    both, folder = fits
    before = {file.parent for file in folder.glob("*/*/*.safetensors")}
    other = generator(model, seed=1)
    other.fit(pictures(), folder, progress=False)
    assert len({file.parent for file in folder.glob("*/*/*.safetensors")} - before) == 2
    assert other.fingerprint != both.fingerprint
    images = made(other)
    # The same generator, fitted on other data.
    other.fit(pictures(6), folder, progress=False)
    assert differing(made(other), images) == 2


def test_a_fit_belongs_to_the_model_in_its_folder(tmp_path: Path) -> None:
    names = set()
    for seed in (0, 1):
        save_stable_diffusion(tmp_path / "model", seed=seed)
        settings = DiffusersModel(str(tmp_path / "model"), adapters=[Lora(2, steps=1)])
        one = ImageToImage(settings, prompts=FixedPrompt("a cat"), device="cpu")
        one.fit(pictures(2), tmp_path / "fits", progress=False)
        names.add(one.fingerprint)
        assert len(list((tmp_path / "fits").glob("*/*/*.safetensors"))) == len(names) == seed + 1


@pytest.mark.parametrize("part", ["unet", "vae"])
def test_a_fit_belongs_to_the_part_that_takes_the_place_of_the_models_own(
    model: Path, tmp_path: Path, part: str
) -> None:
    other = save_stable_diffusion(tmp_path / "other", seed=1)
    settings = {"unet": {"unet": str(other / "unet")}, "vae": {"autoencoder": str(other / "vae")}}[part]
    weights = set()
    for changes in ({}, settings):
        lora = Lora(2, steps=1, learning_rate=0.05)
        adapted = DiffusersModel(str(model), adapters=[lora], **changes)
        ImageToImage(adapted, prompts=FixedPrompt("a cat"), device="cpu").fit(
            pictures(2), tmp_path / "fits", progress=False
        )
        weights.add(lora.digest)
    assert len(weights) == 2


def test_a_run_fits_them_in_its_worker(model: Path, tmp_path: Path) -> None:
    train = GenerativeAugmentDataset(
        [(sample.image, sample.target) for sample in pictures(4)],
        cache=tmp_path / "cache",
        generator=generator(model),
        gates=[],
        worker="inline",
        progress=False,
    )
    with train:
        counts = train.warmup()
    assert counts["accepted"] == 4
    assert len(list((tmp_path / "cache" / "generator").glob("*/*/*.safetensors"))) == 2


def test_a_token_that_nobody_has_learned_is_warned_of_once(model: Path, tmp_path: Path) -> None:
    bare = ImageToImage(str(model), prompts=DomainPrompt(PROMPTS, ["in snow"]), device="cpu")
    with pytest.warns(GenaugWarning, match="has not learned the token <class-0> of the prompt .*; pass DiffusersModel"):
        bare.fit(pictures(2), tmp_path / "bare", progress=False)
    bare.fit(pictures(2), tmp_path / "bare", progress=False)

    # Warnings are errors in tests: what was learned, or read from a file, is warned of by nobody.
    learned = TextualInversion(2, vectors=2, steps=1, batch_size=2)
    adapted = ImageToImage(DiffusersModel(str(model), adapters=[learned]), prompts=PROMPTS, device="cpu")
    adapted.fit(pictures(2), tmp_path / "fits", progress=False)
    [folder] = {file.parent for file in (tmp_path / "fits").rglob("learned_embeds.safetensors")}
    files = [TextualInversionFile(folder, token) for token in learned.tokens]
    read = ImageToImage(DiffusersModel(str(model), adapters=files), prompts=PROMPTS, device="cpu")
    read.fit(pictures(2), tmp_path / "read", progress=False)


def test_a_run_fits_on_several_devices_from_its_process(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a training run on several devices: its ranks are not those of the fit.
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "x"}.items():
        monkeypatch.setenv(name, value)
    found = []
    for devices in ([], ["cpu", "cpu"]):
        words = TextualInversion(2, vectors=2, steps=4, learning_rate=0.01, batch_size=3, devices=devices)
        generator = ImageToImage(DiffusersModel(str(model), adapters=[words]), prompts=PROMPTS, device="cpu")
        cache = tmp_path / f"on {len(devices)}"
        if not devices:
            generator.fit(pictures(4), cache / "generator", progress=False)
        else:
            train = GenerativeAugmentDataset(
                [(sample.image, sample.target) for sample in pictures(4)],
                cache=cache,
                generator=generator,
                gates=[],
                progress=False,
            )
            with train:
                assert train.warmup()["accepted"] == 4
        [file] = (cache / "generator").glob("*/*/*.safetensors")
        found.append(load_file(file))
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-4, atol=1e-5)
    # Both tokens began as the same word.
    one, other = (found[0][f"text_encoder.{token}"] for token in words.tokens)
    assert (one - other).abs().max() > 1e-3
