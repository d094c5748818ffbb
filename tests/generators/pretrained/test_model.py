from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.generators.pretrained import DiffusersModel
from genaug_data.generators.pretrained.adapters import Lora

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(("field", "value"), [("dtype", "int8"), ("attention", "flash")])
def test_a_choice_that_is_none_is_refused(field: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{field} must be one of .*, got '{value}'"):
        DiffusersModel("model", **{field: value})


def test_the_weights_are_of_the_type_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("float32", "bfloat16", "float16"):
        assert DiffusersModel("model", dtype=name).dtype_on(CPU) == getattr(torch, name)
        assert DiffusersModel("model", dtype=name).dtype_on(GPU) == getattr(torch, name)
    for able, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda able=able: able)
        assert DiffusersModel("model").dtype_on(GPU) == expected
        assert DiffusersModel("model").dtype_on(CPU) == torch.float32


def test_the_identity_tells_what_decides_the_images_and_nothing_else() -> None:
    plain = DiffusersModel("model").identity
    decisive = {"revision": "v2", "dtype": "bfloat16", "scheduler": "LCMScheduler", "autoencoder": "tiny"}
    others = {DiffusersModel("model", **{field: value}).identity for field, value in decisive.items()}
    assert len(others | {plain, DiffusersModel("another").identity}) == len(decisive) + 2
    fast = DiffusersModel("model", channels_last=True, compile=True, offload=True, attention="xformers")
    assert fast.identity == plain == "DiffusersModel('model')"
    assert DiffusersModel("m", dtype="float16", scheduler="S").identity == (
        "DiffusersModel('m', dtype='float16', scheduler='S')"
    )


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        DiffusersModel("model").name = "another"  # type: ignore[misc]


def test_a_name_is_written_in_one_way() -> None:
    names = ("models/sd", "models/sd/", "./models/sd", Path("models/sd"))
    found = {DiffusersModel(name, unet=name, autoencoder=name).identity for name in names}
    assert found == {"DiffusersModel('models/sd', autoencoder='models/sd', unet='models/sd')"}
    assert DiffusersModel("~/sd").name == str(Path.home() / "sd")
    assert DiffusersModel("some/model").name == "some/model"


def test_one_adapter_in_the_place_of_a_list_is_refused() -> None:
    with pytest.raises(ConfigError, match="adapters must be a list, got a Lora"):
        DiffusersModel("model", adapters=Lora())
