"""What was exported comes back bit by bit, and nothing that was changed."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Mask

from genaug_data.cache import CacheReader, CacheWriter, export, forget, import_
from genaug_data.cache.exchange.manifest_line import sealed, unsealed
from genaug_data.errors import CacheError, CacheLocked, ConfigError, DataError
from genaug_data.sample import Sample, Target
from genaug_data.seeding import torch_generator
from tests.cache.exchange.variants import cache_of, contents, made_of, of_classes, of_masks
from tests.cache.records import image_of, key_of, same

FORMATS = ("imagefolder", "webdataset", "coco", "hf")
EVERY_FORMAT = pytest.mark.parametrize("to", FORMATS)


def assert_equal(one: Path, other: Path) -> None:
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    for key, (sample, made) in first.items():
        assert same(second[key][0], sample)
        assert second[key][1] == made


def exported(folder: Path, samples: list[Sample], to: str) -> Path:
    export(cache_of(folder / "cache", samples), folder / "files", to=to, progress=False)
    return folder / "files"


def random_target(kind: str, random: torch.Generator, size: tuple[int, int]) -> Target:
    def integers(low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=random)

    match kind:
        case "class":
            return int(integers(-3, 1 << 40, 1))
        case "soft32" | "soft64" | "soft16":
            dtype = {"soft32": torch.float32, "soft64": torch.float64, "soft16": torch.float16}[kind]
            return torch.rand(5, generator=random, dtype=torch.float64).softmax(0).to(dtype)
        case "caption":
            return 'a cat, \u732b \ud800 "quoted"\n'
        case "mask":
            return integers(0, 256, *size)
        case "mask_ignored":
            return integers(-100, 3, *size)
        case "mask_large":
            return integers(0, 1 << 40, *size)
        case "mask_deep":
            return integers(0, 1 << 16, *size).to(torch.int32)
        case "mask_of_type":
            return Mask(integers(0, 5, *size).to(torch.uint8))
        case "boxes":
            boxes = torch.rand(3, 4, generator=random)
            return {"boxes": boxes, "labels": integers(0, 300, 3), "empty": torch.zeros(0, 4), "crowd": boxes[:, 0] > 1}
    return torch.tensor([[0.0, -0.0], [float("nan"), float("inf")]])


KINDS = ["class", "soft16", "soft32", "soft64", "caption", "boxes", "odd"]
KINDS += ["mask", "mask_ignored", "mask_large", "mask_deep", "mask_of_type"]


@settings(max_examples=40, deadline=None)
@given(
    to=st.sampled_from(FORMATS),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5),
    channels=st.sampled_from([1, 2, 3, 4, 5]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 1 << 30),
)
def test_a_round_trip_changes_no_bit(
    to: str, kinds: list[str], channels: int, height: int, width: int, seed: int
) -> None:
    random = torch_generator(seed)
    samples = [
        Sample(image_of(seed + place, (channels, height, width)), random_target(kind, random, (height, width)))
        for place, kind in enumerate(kinds)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = exported(folder, samples, to)
        done = import_(files, folder / "again", progress=False)
        assert (done.records, done.damaged, done.forgotten) == (len(samples), (), 0)
        before, after = contents(folder / "cache"), contents(folder / "again")
        assert before.keys() == after.keys()
        for key, (sample, made) in before.items():
            assert after[key][1] == made
            assert torch.equal(after[key][0].image, sample.image)
            assert repr(after[key][0].target) == repr(sample.target)
            assert type(after[key][0].target) is type(sample.target)
            # NaN is no equal of itself.
            if "odd" not in kinds:
                assert same(after[key][0], sample)


@EVERY_FORMAT
def test_a_new_cache_is_the_same_as_the_old_one(tmp_path: Path, to: str) -> None:
    files = exported(tmp_path, [*of_classes(1, 2), *of_masks()], to)
    import_(files, tmp_path / "again", progress=False)
    assert_equal(tmp_path / "cache", tmp_path / "again")
    with CacheReader(tmp_path / "again") as reader:
        assert reader.judged_by() == "gates"
    assert import_(files, tmp_path / "again", progress=False).records == 6
    assert_equal(tmp_path / "cache", tmp_path / "again")


def file_of(files: Path, number: int) -> Path:
    key = key_of(1000 - number).hex()
    return next(path for path in files.rglob(f"{key}.png") if path.parent.name != "masks")


@pytest.mark.parametrize("to", ["imagefolder", "coco", "hf"])
def test_images_that_were_changed_are_named_and_left_out(tmp_path: Path, to: str) -> None:
    files = exported(tmp_path, of_classes(0, 1, 2, 3, 4), to)
    shutil.copy(file_of(files, 1), file_of(files, 0))
    file_of(files, 2).write_bytes(file_of(files, 2).read_bytes()[:-20])
    name = file_of(files, 3).name
    file_of(files, 3).unlink()
    done = import_(files, tmp_path / "again", progress=False)
    assert done.records == 2
    reasons = {Path(file).name: reason for file, reason in done.damaged}
    assert len(reasons) == 3
    assert "changed after it was written" in reasons[file_of(files, 0).name]
    assert "was damaged" in reasons[file_of(files, 2).name]
    assert "No such file" in reasons[name]
    assert contents(tmp_path / "again").keys() == {key_of(999), key_of(996)}


@pytest.mark.parametrize("number", [0, 2])
def test_masks_that_were_changed_are_found(tmp_path: Path, number: int) -> None:
    files = exported(tmp_path, of_masks(), "imagefolder")
    shutil.copy(files / "masks" / f"{key_of(997).hex()}.png", files / "masks" / f"{key_of(1000 - number).hex()}.png")
    done = import_(files, tmp_path / "again", progress=False)
    assert [Path(file).stem for file, _ in done.damaged] == [key_of(1000 - number).hex()]


def test_lines_that_were_changed_or_are_gone_are_found(tmp_path: Path) -> None:
    files = exported(tmp_path, of_classes(0, 1, 2, 3), "imagefolder")
    lines = (files / "manifest.jsonl").read_text().splitlines()
    changed = [lines[0].replace('"seed": 3', '"seed": 4'), lines[1][:50], lines[3]]
    assert changed[0] != lines[0]
    (files / "manifest.jsonl").write_text("\n".join(changed) + "\n")
    done = import_(files, tmp_path / "again", progress=False)
    assert done.records == 1
    assert [file for file, _ in done.damaged] == ["manifest.jsonl, line 1", "manifest.jsonl, line 2", "manifest.jsonl"]
    assert done.damaged[-1][1] == "1 of 4 lines are missing"


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "../cache/genaug.json"},
        {"file": "/etc/hostname"},
        {"file": 3},
        {"key": "00"},
        {"key": None},
        {"shape": [3, 6, 500_000_000]},
        {"shape": [3, 6]},
        {"shape": [-3, -6, 5]},
        {"annotation": {"kind": "class", "value": "1"}},
        {"annotation": {"kind": "tensor", "dtype": "float32", "shape": [1 << 40], "values": []}},
        {
            "annotation": {
                "kind": "mask",
                "of_type_mask": False,
                "dtype": "int64",
                "shape": [3, 3],
                "runs": [[1, 1 << 50]],
            }
        },
        {"annotation": {"kind": "nothing"}},
        {"annotation": 1},
        {"file_digest": "00"},
        {"content_hash": "00"},
        {"provenance": {}},
    ],
)
def test_a_forged_line_harms_nobody(tmp_path: Path, changes: dict) -> None:
    files = exported(tmp_path, of_classes(0, 1), "imagefolder")
    first, second = (files / "manifest.jsonl").read_text().splitlines()
    (files / "manifest.jsonl").write_text(sealed(unsealed(first) | changes) + "\n" + second + "\n")
    done = import_(files, tmp_path / "again", progress=False)
    assert (done.records, len(done.damaged)) == (1, 1)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    files = exported(tmp_path, of_classes(0), "imagefolder")
    shutil.move(file_of(files, 0), tmp_path / "elsewhere.png")
    (files / "0000" / f"{key_of(1000).hex()}.png").symlink_to(tmp_path / "elsewhere.png")
    [(_, reason)] = import_(files, tmp_path / "again", progress=False).damaged
    assert "leads out of" in reason


def test_shards_that_are_cut_or_gone_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genaug_data.cache.exchange.layouts.web_dataset._SAMPLES_A_SHARD", 1)
    files = exported(tmp_path, of_classes(0, 1, 2), "webdataset")
    shard = files / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes()[:600])
    (files / "shard-000001.tar").unlink()
    with tarfile.open(files / "shard-000002.tar") as tar:
        assert len(tar.getnames()) == 3
    done = import_(files, tmp_path / "again", progress=False)
    assert done.records == 1
    assert [file.partition("/")[0] for file, _ in done.damaged] == ["shard-000000.tar", "shard-000001.tar"]


def test_forgotten_examples_stay_away(tmp_path: Path) -> None:
    files = exported(tmp_path, of_classes(0, 1, 2, 3), "hf")
    forget(tmp_path / "cache", [0], progress=False)
    done = import_(files, tmp_path / "cache", progress=False)
    assert (done.records, done.forgotten, done.damaged) == (2, 2, ())
    assert {made.parent for _, made in contents(tmp_path / "cache").values()} == {1}


def test_what_another_cache_holds_is_not_mixed(tmp_path: Path) -> None:
    files = exported(tmp_path, of_classes(0), "hf")
    CacheWriter(tmp_path / "other", fingerprint="f", identity="i", max_bytes=1 << 20).close()
    with pytest.raises(CacheError, match="belongs to another"):
        import_(files, tmp_path / "other", progress=False)
    busy = CacheWriter(tmp_path / "busy", fingerprint="sd/1", identity="sd on toys", max_bytes=1 << 20)
    with busy, pytest.raises(CacheLocked, match="is being written"):
        import_(files, tmp_path / "busy", progress=False)


def test_variants_of_other_gates_are_judged_anew(tmp_path: Path) -> None:
    files = exported(tmp_path, of_classes(0), "hf")
    with CacheWriter(tmp_path / "other", fingerprint="sd/1", identity="sd on toys", max_bytes=1 << 20) as writer:
        writer.set_judged_by("other gates")
        writer.put([(key_of(1), Sample(image_of(1), 1), replace(made_of(1), parent=9))])
    assert import_(files, tmp_path / "other", progress=False).records == 1
    with CacheReader(tmp_path / "other") as reader:
        assert (len(reader.entries()), reader.judged_by()) == (2, "")


def test_a_bound_is_kept(tmp_path: Path) -> None:
    files = exported(tmp_path, of_classes(*range(20)), "hf")
    done = import_(files, tmp_path / "small", max_bytes=8000, progress=False)
    with CacheReader(tmp_path / "small") as reader:
        assert reader.stats().bytes <= 8000
        assert 0 < reader.stats().records == done.records < 20
    with pytest.raises(ConfigError, match="max_bytes must be at least 1, got 0"):
        import_(files, tmp_path / "small", max_bytes=0, progress=False)


@pytest.mark.parametrize("content", [None, "{}", "[]", '{"to": "hf"}'])
def test_what_is_no_export_is_said(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "genaug-export.json").write_text(content)
    with pytest.raises(DataError, match="is no export of a cache"):
        import_(tmp_path, tmp_path / "cache", progress=False)
    assert not (tmp_path / "cache").exists()


def test_other_versions_and_missing_manifests_are_said(tmp_path: Path) -> None:
    files = exported(tmp_path, of_classes(0), "hf")
    told = json.loads((files / "genaug-export.json").read_text())
    del told["digest"]
    for name, value, sentence in (("format", 2, "export format 2"), ("to", "zip", "of the format 'zip'")):
        (files / "genaug-export.json").write_text(sealed(told | {name: value}))
        with pytest.raises(DataError, match=sentence):
            import_(files, tmp_path / "again", progress=False)
    (files / "genaug-export.json").write_text(sealed(told))
    (files / "manifest.jsonl").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        import_(files, tmp_path / "again", progress=False)
