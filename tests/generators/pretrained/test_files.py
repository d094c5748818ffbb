from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from genaug_data.errors import GeneratorError
from genaug_data.generators.pretrained import DiffusersModel, ImageToImage
from genaug_data.generators.pretrained.adapters import LoraFile
from genaug_data.generators.pretrained.files import ModelFiles, digest_of
from tests.generators.pretrained.families import furthest, opened, requests, samples

SHA = "0123456789abcdef0123456789abcdef01234567"
CARD = "---\nlicense: openrail++\ntags:\n- tiny\n---\n\n# A tiny model\n"


@pytest.fixture
def hub(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Hugging Face cache that holds one model, as a download leaves it."""
    kept = tmp_path / "hub" / "models--some--model"
    shutil.copytree(model, kept / "snapshots" / SHA)
    (kept / "snapshots" / SHA / "README.md").write_text(CARD)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(SHA)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return kept


@pytest.mark.parametrize("revision", [None, "main", SHA])
def test_a_model_by_id_is_found_in_the_cache_of_this_machine(hub: Path, revision: str | None) -> None:
    files = ModelFiles("some/model", revision=revision)
    assert files.folder == hub / "snapshots" / SHA
    assert files.origin == {"model": "some/model", "revision": SHA, "license": "openrail++"}


def test_a_model_by_id_makes_what_its_folder_makes(hub: Path, model: Path) -> None:
    parents = samples(2)
    by_id = ImageToImage(DiffusersModel("some/model"), device="cpu")
    by_folder = ImageToImage(str(model), device="cpu")
    assert furthest(by_id.generate(parents, requests(2)), by_folder.generate(parents, requests(2))) == 0
    origin = by_id.origin(parents[0], requests(1)[0])
    assert origin == {"prompt": "", "model": "some/model", "revision": SHA, "license": "openrail++"}
    assert ModelFiles("some/model").digest == ModelFiles(model).digest


@pytest.mark.parametrize(("name", "revision"), [("some/model", "v2"), ("some/other", None)])
def test_what_is_not_in_the_cache_is_said(hub: Path, name: str, revision: str | None) -> None:
    with pytest.raises(GeneratorError, match=f"'{name}' is neither a folder nor in this machine's") as caught:
        _ = ModelFiles(name, revision=revision).folder
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (CARD, "openrail++"),
        ("---\ntags: [tiny]\n---\n", None),
        ("# No front matter\n", None),
        ("---\nlicense: [\n---\n", None),
    ],
)
def test_the_licence_is_that_of_the_model_card(model: Path, tmp_path: Path, card: str, licence: str | None) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    assert ModelFiles(folder).origin == {"model": str(folder)}
    (folder / "README.md").write_text(card)
    origin = opened(folder).origin(samples(1)[0], requests(1)[0])
    assert origin == {"prompt": "a cat", "model": str(folder), **({"license": licence} if licence else {})}


def test_the_digest_is_of_weights_and_settings_alone(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "config.json").write_text("{}")
    (folder / "weights.safetensors").write_bytes(b"12")
    before = digest_of(folder)
    (folder / "README.md").write_text("a card")
    (folder / "picture.png").write_bytes(b"png")
    assert digest_of(folder) == before
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    assert digest_of(moved) == before
    (moved / "unet" / "config.json").rename(moved / "config.json")
    assert digest_of(moved) != before
    (folder / "unet" / "config.json").write_text("[]")
    assert digest_of(folder) != before
    assert digest_of(folder / "weights.safetensors") != digest_of(folder / "unet" / "config.json")


def test_the_digest_is_of_parts_that_are_links_as_well(model: Path, tmp_path: Path) -> None:
    own, linked = tmp_path / "own", tmp_path / "linked"
    shutil.copytree(model, own)
    linked.mkdir()
    for part in own.iterdir():
        (linked / part.name).symlink_to(part)
    (linked / "round").symlink_to(linked)
    (linked / "nothing.json").symlink_to(tmp_path / "nothing")
    assert digest_of(linked) == digest_of(own) == digest_of(model)
    (own / "unet" / "config.json").write_text("{}")
    assert digest_of(linked) == digest_of(own) != digest_of(model)


def test_a_network_of_its_own_is_known_by_its_settings(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="is no saved model of diffusers: config\\.json is missing"):
        _ = ModelFiles(tmp_path, index="config.json").folder
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "diffusion_pytorch_model.bin").write_bytes(b"")
    with pytest.raises(GeneratorError, match=f"the model in {tmp_path} has pickled weights only"):
        _ = ModelFiles(tmp_path, index="config.json").folder


def test_weights_that_are_only_there_in_half_precision_are_found(model: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    shutil.copytree(model, half)
    assert ModelFiles(half).variant is None
    weights = half / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".fp16.safetensors"))
    assert ModelFiles(half).variant == ModelFiles(half / "unet", index="config.json").variant == "fp16"
    parents, own = samples(2), opened(model).generate(samples(2), requests(2))
    assert furthest(opened(half).generate(parents, requests(2)), own) == 0
    replaced = ImageToImage(
        DiffusersModel(str(model), unet=str(half / "unet")), prompts=opened(model).prompts, device="cpu"
    )
    assert furthest(replaced.generate(parents, requests(2)), own) == 0


def test_a_folder_has_no_revisions(model: Path) -> None:
    with pytest.raises(GeneratorError, match="only a model by id has revisions, got 'v2'"):
        _ = ModelFiles(model, revision="v2").folder


def test_a_copy_is_known_by_the_files_that_it_will_read(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    generator = ImageToImage(str(folder), device="cpu")
    before = generator.fingerprint
    assert pickle.loads(pickle.dumps(generator)).fingerprint == before
    (folder / "unet" / "config.json").write_text("{}")
    assert pickle.loads(pickle.dumps(generator)).fingerprint != before
    file = folder / "lora.safetensors"
    file.write_bytes(b"1")
    lora = LoraFile(file)
    before = lora.digest
    file.write_bytes(b"2")
    assert pickle.loads(pickle.dumps(lora)).digest != before
