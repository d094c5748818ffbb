import json
import resource

import pytest
import torch

from genaug_data.errors import SaveError
from genaug_data.tensor_file import DamagedFile, digest_of, read_tensors, write_json, write_tensors


def test_tensors_and_description_come_back(tmp_path):
    tensors = {"a": torch.arange(6.0).view(2, 3).t(), "b": torch.tensor(3)}
    write_tensors(tmp_path / "sub" / "x.safetensors", tensors, {"step": 3, "loss": float("inf")})
    read, description = read_tensors(tmp_path / "sub" / "x.safetensors")
    assert {name: value.tolist() for name, value in read.items()} == {"a": tensors["a"].tolist(), "b": 3}
    assert description == {"step": 3, "loss": float("inf")}
    assert [file.name for file in (tmp_path / "sub").iterdir()] == ["x.safetensors"]


def test_no_file_is_none_and_a_broken_one_is_said(tmp_path):
    path = tmp_path / "x.safetensors"
    assert read_tensors(path) is None
    write_tensors(path, {"a": torch.zeros(100)}, {})
    whole = path.read_bytes()
    for broken in (b"", b"no tensors", whole[:50], whole[:-10]):
        path.write_bytes(broken)
        with pytest.raises(DamagedFile, match=r"x\.safetensors"):
            read_tensors(path)


def test_a_file_of_somebody_else_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(DamagedFile):
        read_tensors(tmp_path / "x.safetensors")


def test_json_is_replaced_whole(tmp_path):
    for content in ({"a": 1}, {"b": [1, 2]}):
        write_json(tmp_path / "x.json", content)
        assert json.loads((tmp_path / "x.json").read_text()) == content
    assert len(list(tmp_path.iterdir())) == 1


def test_files_may_be_read_by_whom_the_user_lets(tmp_path):
    write_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(1)}, {})
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "x.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_digest_tells_names_shapes_types_and_values_apart():
    base = torch.tensor([1.0, 2.0])
    variants = [{"a": base}, {"b": base}, {"a": base.view(1, 2)}, {"a": base.view(torch.int32)}, {"a": base + 1}, {}]
    assert len({digest_of(tensors) for tensors in variants}) == len(variants)
    strided = torch.tensor([[1.0, 9.0], [2.0, 9.0]])[:, 0]
    assert digest_of({"a": strided}) == digest_of({"a": base})


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    write_tensors(path, {"a": torch.zeros(3)}, {})
    write_json(tmp_path / "x.json", {"a": 1})
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(SaveError, match=r"x.* cannot be written .*; make room there or choose"):
            write_tensors(path, {"a": torch.zeros(100_000)}, {})
        with pytest.raises(SaveError, match=r"x.* cannot be written .*; make room there or choose"):
            write_json(tmp_path / "x.json", {"a": "b" * 100_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match=r"x\.safetensors cannot be written"):
        write_tensors(tmp_path / "file" / "x.safetensors", {"a": torch.zeros(1)}, {})
