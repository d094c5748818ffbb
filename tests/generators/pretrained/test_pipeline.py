from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.pretrained.files import ModelFiles
from genaug_data.generators.pretrained.model import DiffusersModel
from genaug_data.generators.pretrained.pipeline import Pipeline

KIND = "AutoPipelineForImage2Image"


def without_index(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def without_a_part(folder: Path) -> None:
    shutil.rmtree(folder / "vae")


def pickled(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, folder / "unet" / "diffusion_pytorch_model.bin")


def without_weights(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()


def of_another_kind(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": "DDPMPipeline"}))


def damaged(folder: Path) -> None:
    (folder / "model_index.json").write_text('{"unet": ')


def with_a_list_of_parts(folder: Path) -> None:
    (folder / "model_index.json").write_text('["unet"]')


def without_a_vocabulary(folder: Path) -> None:
    (folder / "tokenizer" / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (damaged, "model_index.json cannot be read as JSON"),
        (with_a_list_of_parts, "model_index.json holds a list and no settings"),
        (without_a_vocabulary, "tokenizer/ .* has no vocabulary"),
        (without_index, "model_index.json is missing"),
        (without_a_part, "lacks its part vae/"),
        (pickled, "pickled weights only \\(diffusion_pytorch_model.bin\\)"),
        (without_weights, "diffusers cannot load"),
        (of_another_kind, "diffusers cannot load"),
    ],
)
def test_a_model_that_cannot_be_used_is_said(
    model: Path, tmp_path: Path, harm: Callable[[Path], None], sentence: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    harm(folder)
    with pytest.raises(GeneratorError, match=sentence) as caught:
        Pipeline(DiffusersModel(str(folder)), KIND).multiple(torch.device("cpu"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nobody/such-a-model", "no such folder/or/model"])
def test_a_model_that_is_not_there_is_said_without_looking_for_a_network(name: str) -> None:
    with pytest.raises(GeneratorError, match="neither a folder nor in this machine's Hugging Face cache"):
        _ = ModelFiles(name).digest


def test_the_digest_is_of_every_weight(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    before = ModelFiles(str(folder)).digest
    assert before == ModelFiles(model).digest
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert ModelFiles(str(folder)).digest != before
