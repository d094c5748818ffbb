import pytest
import torch
from PIL import Image

from genaug_data.audit import CachedImages, FolderImages, open_images
from genaug_data.cache import CacheWriter
from genaug_data.errors import CacheError, DataError
from genaug_data.sample import Provenance, Recipe
from tests.copies.scenes import scenes


def test_images_lie_in_any_folders_and_keep_their_pixels(tmp_path):
    samples = scenes(3, 0)
    for name, sample in zip(("b/x.png", "a.png", "b/c/d.PNG"), samples, strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sample.image.permute(1, 2, 0).numpy()).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    found = FolderImages(tmp_path)
    assert found.names == ["a.png", "b/c/d.PNG", "b/x.png"]
    assert torch.equal(found[2].image, samples[0].image)
    assert [sample.target for sample in found[:2]] == ["a.png", "b/c/d.PNG"]


def test_grey_palette_and_transparent_files_are_read(tmp_path):
    grey = torch.arange(16, dtype=torch.uint8).reshape(4, 4)
    Image.fromarray(grey.numpy()).save(tmp_path / "grey.png")
    Image.new("P", (4, 4)).save(tmp_path / "palette.png")
    Image.new("RGBA", (4, 4), (10, 20, 30, 0)).save(tmp_path / "rgba.png")
    found = FolderImages(tmp_path)
    assert torch.equal(found[0].image, grey.unsqueeze(0))
    assert [tuple(sample.image.shape) for sample in found] == [(1, 4, 4), (3, 4, 4), (3, 4, 4)]
    assert found[2].image[:, 0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("ending", ["pgm", "ppm", "bmp", "webp", "tif", "gif", "jpeg", "PNG"])
def test_all_kinds_that_an_image_folder_reads_are_seen(tmp_path, ending):
    Image.new("L", (6, 4), 7).save(tmp_path / f"one.{ending}")
    [sample] = FolderImages(tmp_path)
    assert sample.image.shape[1:] == (4, 6)
    assert (sample.image.int() - 7).abs().max() < 2


def test_what_is_no_image_is_told(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nonsense")
    with pytest.raises(DataError, match=r"broken.png cannot be read as an image"):
        FolderImages(tmp_path)[0]
    with pytest.raises(DataError, match=r"there is no folder .*missing; pass the folder that holds the images"):
        FolderImages(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"there is no image in .*empty \(0 files that end in"):
        FolderImages(tmp_path / "empty")


def test_pictures_of_an_audit_are_left_out(tmp_path):
    for name in ("a.png", "audit/copies.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    found = FolderImages(tmp_path)
    found.leave_out(tmp_path / "audit")
    assert found.names == ["a.png"]
    with pytest.raises(DataError, match=r"there is no image in .* but those in"):
        found.leave_out(tmp_path)


def test_a_cache_shows_its_variants(tmp_path):
    records = [
        (bytes([number] * 16), sample, Provenance(7 + number, "", 0, "f", Recipe(), 0, (), 0.0))
        for number, sample in enumerate(scenes(3, 1))
    ]
    with CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 22) as writer:
        writer.put(records)
    found = open_images(tmp_path / "cache")
    assert isinstance(found, CachedImages)
    by_name = dict(zip(found.names, zip(found.parents, found, strict=True), strict=True))
    for key, sample, made in records:
        parent, image = by_name[key.hex()]
        assert parent == made.parent
        assert torch.equal(image.image, sample.image)
    with CacheWriter(tmp_path / "none", fingerprint="f", identity="i", max_bytes=1 << 22):
        pass
    with pytest.raises(DataError, match="there is no variant in the cache"):
        open_images(tmp_path / "none")


def test_linked_folders_are_followed_but_never_in_a_circle(tmp_path):
    for name in ("elsewhere/b.png", "set/a.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "set" / "cats").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "self").symlink_to(".")
    (tmp_path / "set" / "up").symlink_to("..")
    assert FolderImages(tmp_path / "set").names == ["a.png", "cats/b.png"]


def test_pictures_of_any_earlier_audit_are_no_images(tmp_path):
    for name in ("a.png", "audit/copies.png", "other/audit/class.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "audit" / "audit.json").write_text("{}")
    assert FolderImages(tmp_path).names == ["a.png", "other/audit/class.png"]


def test_sixteen_bits_are_scaled_and_unknown_scales_refused(tmp_path):
    grey = torch.arange(16, dtype=torch.uint8).reshape(4, 4) * 16
    Image.fromarray(grey.numpy().astype("uint16") * 257).save(tmp_path / "deep.png")
    Image.fromarray(grey.numpy().astype("float32")).save(tmp_path / "float.tif")
    found = FolderImages(tmp_path)
    assert torch.equal(found[0].image, grey.unsqueeze(0))
    with pytest.raises(DataError, match=r"float.tif cannot be read as an image: .* mode F, whose white is not known"):
        found[1]


def test_a_damaged_cache_is_not_taken_for_an_empty_one(tmp_path):
    made = Provenance(7, "", 0, "f", Recipe(), 0, (), 0.0)
    with CacheWriter(tmp_path, fingerprint="f", identity="f", max_bytes=1 << 20) as writer:
        writer.put([(b"k" * 16, scenes(1, 1)[0], made)])
    database = tmp_path / "variants" / "data.mdb"
    database.write_bytes(database.read_bytes()[:5000])
    with pytest.raises(CacheError, match=r"is damaged beyond its records .*, and what it held cannot be told"):
        CachedImages(tmp_path)
