"""Exports as other programs read them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torchvision.datasets import ImageFolder

from genaug_data.cache import CacheWriter, export
from genaug_data.cache.exchange.card import Card
from genaug_data.cache.exchange.layouts.base import Item
from genaug_data.errors import CacheError, ConfigError, SaveError
from genaug_data.sample import Provenance, Sample, Verdict
from tests.cache.exchange.variants import MASK, cache_of, made_of, of_classes, of_masks
from tests.cache.records import image_of, key_of


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def array_of(image: torch.Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).numpy()


def test_class_folders_are_read_by_torchvision(tmp_path: Path) -> None:
    samples = of_classes(2, 0, 12, 2)
    folder = cache_of(tmp_path / "cache", samples)
    assert export(folder, tmp_path / "out", progress=False).records == 4
    for name in ("README.md", "manifest.jsonl", "genaug-export.json"):
        assert (tmp_path / "out" / name).is_file()
    read = ImageFolder(tmp_path / "out")
    assert read.classes == ["0000", "0002", "0012"]
    found = {
        Path(path).stem: (np.asarray(image), label)
        for (path, _), (image, label) in zip(read.imgs, list(read), strict=True)
    }
    for number, sample in enumerate(samples):
        pixels, label = found[key_of(1000 - number).hex()]
        assert (pixels == array_of(sample.image)).all()
        assert int(read.classes[label]) == sample.target


def test_the_manifest_has_a_line_for_each_in_the_order_of_keys(tmp_path: Path) -> None:
    samples = of_classes(1, torch.tensor([0.25, 0.75]))
    export(cache_of(tmp_path / "cache", samples), tmp_path / "out", progress=False)
    lines = lines_of(tmp_path / "out")
    assert [line["key"] for line in lines] == [key_of(999).hex(), key_of(1000).hex()]
    assert [line["file"] for line in lines] == [f"0001/{line['key']}.png" for line in lines]
    assert lines[0]["annotation"]["values"] == [0.25, 0.75]
    assert Provenance.from_json(json.dumps(lines[0]["provenance"])) == made_of(1)


def test_masks_lie_beside_images(tmp_path: Path) -> None:
    export(cache_of(tmp_path / "cache", of_masks()), tmp_path / "out", progress=False)
    out = tmp_path / "out"
    read = {number: np.asarray(Image.open(out / "masks" / f"{key_of(1000 - number).hex()}.png")) for number in range(4)}
    assert (read[0] == MASK.numpy()).all()
    assert (read[1] == MASK.numpy()).all()
    # All are negative but one: those are shown as ignored.
    assert (read[2] == np.where(MASK.numpy() == 255, 155, 255)).all()
    assert (read[3] == MASK.numpy() * 200).all()
    assert (np.asarray(Image.open(out / "images" / f"{key_of(1000).hex()}.png")) == array_of(of_masks()[0].image)).all()


def test_names_of_classes_become_safe_folders(tmp_path: Path) -> None:
    names = ["cat", "big/dog", "../x", "", "cat", "cat/1", "cat_1"]
    export(cache_of(tmp_path / "cache", of_classes(*range(8))), tmp_path / "out", classes=names, progress=False)
    folders = {line["annotation"]["value"]: line["file"].split("/")[0] for line in lines_of(tmp_path / "out")}
    assert len(set(folders.values())) == 8
    assert folders[1] == "big_dog"
    assert folders[7] == "0007"
    assert folders[0] == "0000-cat"
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == set(folders.values())


def test_shards_hold_the_files_of_a_sample_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genaug_data.cache.exchange.layouts.web_dataset._SAMPLES_A_SHARD", 2)
    samples = of_classes(4, 5, 6)
    folder = cache_of(tmp_path / "cache", samples)
    export(folder, tmp_path / "out", to="webdataset", progress=False)
    names = []
    for shard in ("shard-000000.tar", "shard-000001.tar"):
        with tarfile.open(tmp_path / "out" / shard) as tar:
            assert {member.mtime for member in tar} == {0}
            names += [(shard[11], member.name.partition(".")[0], member.name.partition(".")[2]) for member in tar]
            first = tar.getmembers()[0].name.partition(".")[0]
            pixels = np.asarray(Image.open(io.BytesIO(tar.extractfile(f"{first}.png").read())))
            number = 1000 - int(first, 16)
            assert (pixels == array_of(samples[number].image)).all()
            assert tar.extractfile(f"{first}.cls").read() == str(samples[number].target).encode()
            assert json.loads(tar.extractfile(f"{first}.json").read())["key"] == first
    keys = [key_of(number).hex() for number in (998, 999, 1000)]
    assert names == [
        (str(place // 2), key, ending) for place, key in enumerate(keys) for ending in ("png", "json", "cls")
    ]


def test_coco_has_masks_by_class(tmp_path: Path) -> None:
    export(cache_of(tmp_path / "cache", of_masks()[:1]), tmp_path / "out", to="coco", classes="abc", progress=False)
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    [image] = told["images"]
    assert (image["height"], image["width"], image["file_name"]) == (3, 4, f"images/{key_of(1000).hex()}.png")
    assert told["categories"] == [{"id": i, "name": n} for i, n in ((0, "a"), (1, "b"), (2, "c"), (255, "0255"))]
    by_class = {one["category_id"]: one for one in told["annotations"]}
    # Worked out by hand, column by column, first the zeros.
    assert by_class[0]["segmentation"]["counts"] == [0, 4, 8]
    assert by_class[1]["segmentation"]["counts"] == [4, 2, 2, 1, 3]
    assert by_class[2]["segmentation"]["counts"] == [6, 2, 1, 2, 1]
    assert (by_class[1]["bbox"], by_class[1]["area"]) == ([1, 1, 2, 2], 3)
    for value, one in by_class.items():
        flat, painted = [], 0
        for count in one["segmentation"]["counts"]:
            flat += [painted] * count
            painted = 1 - painted
        assert ((MASK.numpy() == value) == np.array(flat).reshape(4, 3).T).all()
    assert list((tmp_path / "out").glob("*.part")) == []


def test_coco_has_classes_boxes_and_captions(tmp_path: Path) -> None:
    boxes = {"boxes": torch.tensor([[1.0, 2.0, 4.0, 4.0]]), "labels": torch.tensor([7])}
    samples = of_classes(3, torch.tensor([0.25, 0.75]), "a cat", boxes)
    export(cache_of(tmp_path / "cache", samples), tmp_path / "out", to="coco", progress=False)
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    box, caption, soft, one = told["annotations"]
    assert (box["bbox"], box["area"], box["category_id"]) == ([1, 2, 3, 2], 6, 7)
    assert caption["caption"] == "a cat"
    assert (soft["category_id"], soft["soft_label"]) == (1, [0.25, 0.75])
    assert one["category_id"] == 3
    assert [image["id"] for image in told["images"]] == [entry["image_id"] for entry in told["annotations"]]


def test_hugging_face_metadata_names_every_file(tmp_path: Path) -> None:
    samples = [*of_classes(3, torch.tensor([0.25, 0.75]), "a cat"), of_masks()[0]]
    export(cache_of(tmp_path / "cache", samples), tmp_path / "out", to="hf", classes=["a", "b"], progress=False)
    rows = [json.loads(line) for line in (tmp_path / "out" / "metadata.jsonl").read_text().splitlines()]
    for row in rows:
        assert (tmp_path / "out" / row["file_name"]).is_file()
        assert (row["model"], row["prompt"][:8]) == ("org/sd", "a photo ")
    assert (tmp_path / "out" / rows[0]["mask_file_name"]).is_file()
    assert rows[1]["caption"] == "a cat"
    assert (rows[2]["label"], rows[2]["class"], rows[2]["soft_label"]) == (1, "b", [0.25, 0.75])
    assert (rows[3]["label"], rows[3]["class"]) == (3, "0003")


@pytest.mark.parametrize("to", ["imagefolder", "webdataset", "coco", "hf"])
def test_the_same_cache_gives_the_same_files(tmp_path: Path, to: str) -> None:
    samples = [*of_classes(1, 2, "a cat"), *of_masks()]
    folder = cache_of(tmp_path / "cache", samples)
    found = []
    for name in ("one", "two"):
        export(folder, tmp_path / name, to=to, progress=False)
        found.append(files_of(tmp_path / name))
    assert found[0] == found[1]
    assert len(lines_of(tmp_path / "one")) == 7


def test_the_card_says_what_is_synthetic_and_how_it_was_made(tmp_path: Path) -> None:
    export(cache_of(tmp_path / "cache", of_classes(2, 0, 2)), tmp_path / "out", classes=["cat"], progress=False)
    _, header, text = (tmp_path / "out" / "README.md").read_text().split("---\n", 2)
    told = yaml.safe_load(header)
    assert (told["license"], told["tags"][0], told["size_categories"]) == ("openrail", "synthetic", ["n<1K"])
    assert told["task_categories"] == ["image-classification"]
    assert "Every image here is synthetic" in text
    assert "3 images, made from 2 real examples" in text
    assert "| sd/1 | org/sd | abc | openrail | 3 |" in text
    assert "| clip | 0.1 | 3 |" in text
    assert "| cat | 1 |\n| 2 | 2 |" in text
    assert "Strength 0.3 to 0.32" in text


def test_what_a_killed_export_has_left_goes_with_the_next(tmp_path: Path) -> None:
    folder = cache_of(tmp_path / "cache", of_classes(1, 2))
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    left, foreign, living = (tmp_path / f".out.{name}" for name in (child, "backup", os.getppid()))
    for place in (left, foreign, living):
        place.mkdir()
        (place / "image.png").touch()
    export(folder, tmp_path / "deep" / ".." / "out", progress=False)
    assert not left.exists()
    assert (foreign / "image.png").exists()
    assert (living / "image.png").exists()
    assert len(lines_of(tmp_path / "out")) == 2


def test_thresholds_that_differ_by_parent_are_a_range_in_the_card(tmp_path: Path) -> None:
    card = Card("hf")
    for number, threshold in enumerate((0.25, 0.125, 0.5)):
        made = replace(made_of(number), verdicts=(Verdict("no_op", 1.0, True, "", threshold),))
        card.count(Item(f"{number}", Sample(image_of(number), 1), made, b"", None), "class")
    card.write(tmp_path)
    assert "| no_op | 0.125 to 0.5 | 3 |" in (tmp_path / "README.md").read_text()


def test_what_is_damaged_is_left_out_and_named(tmp_path: Path) -> None:
    samples = [Sample(image_of(number, (3, 32, 32)), number) for number in range(3)]
    folder = cache_of(tmp_path / "cache", samples)
    path = folder / "variants" / "data.mdb"
    content = bytearray(path.read_bytes())
    content[content.find(samples[1].image.numpy().tobytes()[:64]) + 70] ^= 255
    path.write_bytes(content)
    done = export(folder, tmp_path / "out", progress=False)
    assert (done.records, done.damaged) == (2, (key_of(999),))
    assert len(lines_of(tmp_path / "out")) == 2


def test_an_empty_cache_is_exported_in_every_format(tmp_path: Path) -> None:
    CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 20).close()
    for to in ("imagefolder", "webdataset", "coco", "hf"):
        assert export(tmp_path / "cache", tmp_path / to, to=to, progress=False).records == 0
    assert json.loads((tmp_path / "coco" / "annotations.json").read_text())["images"] == []


def test_nothing_is_written_over_and_nothing_half_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache_of(tmp_path / "cache", of_classes(1))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    with pytest.raises(ConfigError, match="full is not empty"):
        export(folder, tmp_path / "full", progress=False)
    with pytest.raises(ConfigError, match="to must be one of imagefolder, webdataset, coco, hf, got 'zip'"):
        export(folder, tmp_path / "new", to="zip", progress=False)
    with pytest.raises(CacheError, match="there is no cache in"):
        export(tmp_path / "nothing", tmp_path / "new", progress=False)

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("genaug_data.cache.exchange.card.Card.write", full)
        with pytest.raises(SaveError, match="no space left"):
            export(folder, tmp_path / "new", progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "full"]
    (tmp_path / "new").mkdir()
    assert export(folder, tmp_path / "new", progress=False).records == 1
