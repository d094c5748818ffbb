from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import DiffusersModel, ImageToImage
from genaug_data.generators.pretrained.adapters import Lora, LoraFile
from genaug_data.testing.tiny_models import save_stable_diffusion
from tests.generators.pretrained.adapters.training_set import (
    CPU,
    PROMPTS,
    Loading,
    differing,
    loss_of,
    pictures,
    requests,
    weights_of,
)


def fitted(load: Loading, folder: Path, **settings: object) -> Lora:
    lora = Lora(**{"rank": 8, "steps": 25, "learning_rate": 5e-2, **settings})
    lora.fit(load, pictures(), PROMPTS, folder, CPU, progress=False)
    return lora


def made(model: Path, *adapters: object) -> list:
    settings = DiffusersModel(str(model), adapters=adapters)
    return ImageToImage(settings, prompts=PROMPTS, device="cpu").generate(pictures(2), requests(2))


@pytest.fixture(scope="module")
def lora(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lora, Path]:
    """A fitted one and the folder of its weights."""
    folder = tmp_path_factory.mktemp("lora")
    found = fitted(Loading(model), folder)
    return found, next(folder.iterdir())


def test_the_loss_goes_down(load: Loading, lora: tuple[Lora, Path]) -> None:
    pipeline = load()
    before = loss_of(pipeline)
    lora[0].apply(pipeline)
    assert loss_of(pipeline) < before - 0.03


def test_the_model_itself_stays_as_it_is(load: Loading, lora: tuple[Lora, Path]) -> None:
    before, after = load(), load()
    lora[0].apply(after)
    kept = {
        name.replace(".base_layer", ""): value
        for name, value in weights_of(after, "unet", "vae", "text_encoder").items()
        if "lora" not in name
    }
    expected = weights_of(before, "unet", "vae", "text_encoder")
    assert kept.keys() == expected.keys()
    assert all(kept[name].equal(value) for name, value in expected.items())
    learned = load_file(lora[1] / lora[0].file)
    assert all(value.any() for value in learned.values())
    assert {name.split(".")[0] for name in learned} == {"unet"}


def test_weight_nothing_gives_the_images_of_the_model(model: Path, lora: tuple[Lora, Path]) -> None:
    plain = made(model)
    assert differing(plain, made(model, lora[0])) == 2
    assert differing(plain, made(model, LoraFile(lora[1], weight=0.0))) == 0


def test_what_is_read_from_its_file_makes_the_same_images(model: Path, lora: tuple[Lora, Path]) -> None:
    expected = made(model, lora[0])
    assert differing(expected, made(model, LoraFile(lora[1]))) == 0
    assert differing(expected, made(model, LoraFile(lora[1] / lora[0].file))) == 0
    assert differing(expected, made(model, LoraFile(lora[1], weight=0.5))) == 2


def test_two_add_up(model: Path, lora: tuple[Lora, Path]) -> None:
    halves = made(model, LoraFile(lora[1], weight=0.5), LoraFile(lora[1], weight=0.5))
    whole = made(model, lora[0])
    far = max(int((a.image.int() - b.image.int()).abs().max()) for a, b in zip(halves, whole, strict=True))
    assert far <= 1


def test_one_is_fitted_on_top_of_another(model: Path, lora: tuple[Lora, Path], tmp_path: Path) -> None:
    first = LoraFile(lora[1])
    on_top = Loading(model, first)
    before = loss_of(on_top())
    second = fitted(on_top, tmp_path, steps=10)
    pipeline = on_top()
    second.apply(pipeline)
    assert loss_of(pipeline) < before


def test_weight_is_no_part_of_the_fit_but_of_the_name(load: Loading, tmp_path: Path) -> None:
    whole, half = (fitted(load, tmp_path, steps=2, weight=weight) for weight in (1.0, 0.5))
    assert load.calls == 1
    assert whole.digest == half.digest
    assert whole.identity != half.identity


def test_weights_of_another_type_get_layers_of_that_type(model: Path, lora: tuple[Lora, Path]) -> None:
    half = DiffusersModel(str(model), dtype="bfloat16", adapters=[lora[0]])
    plain = DiffusersModel(str(model), dtype="bfloat16")
    images = [ImageToImage(one, device="cpu").generate(pictures(2), requests(2)) for one in (half, plain)]
    assert differing(*images) == 2


def test_a_lora_of_another_model_is_said_in_one_sentence(lora: tuple[Lora, Path], tmp_path: Path) -> None:
    other = save_stable_diffusion(tmp_path / "other", channels=(4, 12))
    with pytest.raises(GeneratorError, match="the LoRA does not fit the model") as caught:
        made(other, LoraFile(lora[1]))
    assert "\n" not in str(caught.value)


def test_a_lora_of_no_part_is_said(model: Path, tmp_path: Path) -> None:
    save_file({"transformer.x.lora_A.weight": torch.zeros(2, 8)}, tmp_path / "other.safetensors")
    with pytest.raises(GeneratorError, match="no weights for any part of the model"):
        made(model, LoraFile(tmp_path))


def test_files_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match=r"there is no file .*nothing.safetensors"):
        _ = LoraFile(tmp_path / "nothing.safetensors").digest
    with pytest.raises(GeneratorError, match="holds 0 safetensors files"):
        _ = LoraFile(tmp_path).digest
    (tmp_path / "pytorch_lora_weights.bin").write_bytes(b"pickle")
    for path in (tmp_path, tmp_path / "pytorch_lora_weights.bin"):
        with pytest.raises(GeneratorError, match=r"pytorch_lora_weights.bin is pickled, which could run code"):
            _ = LoraFile(path).digest
    for name in ("one", "two"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
    with pytest.raises(GeneratorError, match="holds 2 safetensors files and no pytorch_lora_weights"):
        _ = LoraFile(tmp_path).digest


def test_what_is_no_safetensors_file_is_said(model: Path, tmp_path: Path) -> None:
    (tmp_path / "lora.safetensors").write_bytes(b"not found")
    with pytest.raises(GeneratorError, match="the LoRA does not fit the model"):
        made(model, LoraFile(tmp_path))


def test_a_rank_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="rank must be at least 1, got 0"):
        Lora(0)
