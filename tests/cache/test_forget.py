"""What a withdrawn consent reaches: nothing of it is left, and nothing new comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheReader, CacheWriter, forget, read_tombstones, verify
from genaug_data.cache.thumbnail import thumbnail
from genaug_data.errors import CacheError, CacheFull, CacheLocked, ConfigError
from genaug_data.sample import Provenance, Sample
from tests.cache.records import image_of, key_of, made

HASHES = {parent: f"{parent:02x}" * 16 for parent in range(8)}


def made_of(parent: int, variant: int = 0, **origin: str) -> Provenance:
    return replace(made(parent, variant), parent_hash=HASHES[parent], origin=origin)


def fill(writer: CacheWriter, size: int = 8) -> None:
    """Two variants and a rejection of each of 8 parents; parents have a picture."""
    for parent in range(8):
        children = [
            (key_of(10 * parent + place), Sample(image_of(10 * parent + place, (3, size, size)), 1), made_of(parent))
            for place in range(2)
        ]
        real = Sample(image_of(1000 + parent, (3, size, size)), 1)
        writer.put(children, {parent: real})
        rejected = Sample(image_of(2000 + parent, (3, size, size)), 1)
        writer.reject([(key_of(500 + parent), made_of(parent))], [(made_of(parent), real, rejected)])


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def traces_of(parent: int, size: int) -> list[bytes]:
    """Pieces of every image that comes from a parent, as raw pixels and as small pictures."""
    children = [image_of(10 * parent + place, (3, size, size)) for place in range(2)]
    pictures = [thumbnail(image_of(number + parent, (3, size, size))) for number in (1000, 2000)]
    raw = [child.numpy().tobytes() for child in children]
    # In pieces, as what a page keeps by chance is seldom a whole image; the tables of a JPEG are in all of them.
    common = thumbnail(torch.zeros(3, size, size, dtype=torch.uint8))
    pieces = [whole[start : start + 16] for whole in (*raw, *pictures) for start in range(64, len(whole) - 16, 16)]
    return [piece for piece in pieces if piece not in common]


@pytest.mark.parametrize("size", [8, 16, 64])
def test_no_byte_of_the_image_is_left_in_any_file(
    writer: Callable[..., CacheWriter], tmp_path: Path, size: int
) -> None:
    folder = tmp_path / "cache"
    one = writer()
    fill(one, size)
    one.close()
    before = bytes_of(folder)
    assert all(piece in before for piece in traces_of(3, size))
    done = forget(folder, [3], progress=False)
    after = bytes_of(folder)
    assert [piece for piece in traces_of(3, size) if piece in after] == []
    assert all(piece in after for parent in (2, 4) for piece in traces_of(parent, size))
    assert (done.records, done.rejections, done.unknown) == (2, 1, ())


def test_the_others_stay_as_they_were(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    one = writer()
    fill(one)
    one.set_judged_by("gates")
    fill(one)
    one.close()
    # Open all the while, in this process.
    with CacheReader(folder) as reader:
        before = {entry.key: reader.provenance(entry.key) for entry in reader.entries()}
        forget(folder, [3, 5], progress=False)
        after = {entry.key: reader.provenance(entry.key) for entry in reader.entries()}
        assert after == {key: found for key, found in before.items() if found.parent not in (3, 5)}
        left = [parent for parent in range(8) if parent not in (3, 5)]
        assert sorted(found.parent for _, found in reader.rejections()) == left
        assert sorted(reader.parent_pictures()) == left
        assert sorted(picture.made.parent for picture in reader.rejected_pictures()) == left[-4:] or left
        assert reader.judged_by() == "gates"
    found = verify(folder, progress=False)
    assert (found.records, found.damaged) == (12, ())
    with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 22) as again:
        again.put([(key_of(99), Sample(image_of(99), 1), made_of(7))])
        assert again.stats().records == 13
    # The file may grow beyond its length of before, and be read by others.
    assert verify(folder, progress=False).records == 13


def test_mixed_and_equal_parents_are_found(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    fill(one)
    same_content = replace(made_of(3), parent=6)
    one.put(
        [
            (key_of(200), Sample(image_of(200), 1), made_of(1, parents="1,3")),
            (key_of(201), Sample(image_of(201), 1), same_content),
            (key_of(202), Sample(image_of(202), 1), made_of(1, parents="1,33")),
        ]
    )
    mixed = made_of(2, parents="2,3")
    one.reject([(key_of(600), mixed)], [(mixed, Sample(image_of(8), 1), Sample(image_of(9), 1))])
    one.close()
    done = forget(tmp_path / "cache", [3], progress=False)
    # What was of 6 under another content is of an index that showed the same once.
    assert (done.records, done.rejections, done.also) == (6, 3, (6,))
    with CacheReader(tmp_path / "cache") as reader:
        keys = {entry.key for entry in reader.entries()}
        assert key_of(202) in keys
        assert not keys & {key_of(number) for number in (200, 201, 30, 31, 60, 61)}
        assert all(3 not in picture.made.parents for picture in reader.rejected_pictures())
        assert 6 not in reader.parent_pictures()


def test_a_tombstone_names_content_and_index(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    fill(one)
    one.put([(key_of(200), Sample(image_of(200), 1), replace(made_of(3), parent_hash="77" * 16))])
    one.close()
    done = forget(tmp_path / "cache", [3, 40], progress=False)
    assert done.unknown == (40,)
    stones = read_tombstones(tmp_path / "cache")
    assert {(stone.index, stone.parent_hash) for stone in stones.stones} == {
        (3, HASHES[3]),
        (3, "77" * 16),
        (40, None),
    }
    assert stones.cover(0, HASHES[3])
    assert stones.cover(40, HASHES[1])
    # A corrected label or a changed pixel is another content, and brings nobody back.
    assert stones.cover(3, HASHES[1])
    assert not stones.cover(4, HASHES[1])
    for indices in ([3], [3, 40]):
        again = forget(tmp_path / "cache", indices, progress=False)
        assert (again.records, again.rejections) == (0, 0)
        assert again.unknown == ((40,) if 40 in indices else ())
    assert read_tombstones(tmp_path / "cache").stones == stones.stones


def test_an_equal_image_is_told_by_its_small_picture(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    fill(one)
    # Of 8 and 9 the cache holds what shows that they are 3 again, under labels of their own: 8 has no variant left.
    again = Sample(image_of(1003), 2)
    other = replace(made_of(3), parent=9, parent_hash="99" * 16)
    mixed = made_of(1, parents="1,8")
    one.put([(key_of(300), Sample(image_of(300), 1), replace(other, parent=8, parent_hash="88" * 16))], {8: again})
    one.put([(key_of(301), Sample(image_of(301), 1), other)], {9: again})
    one.put([(key_of(302), Sample(image_of(302), 1), mixed)])
    one.evict([key_of(300), key_of(30), key_of(31)])
    one.forget_rejections(lambda made: made.parent == 3)
    one.close()
    done = forget(tmp_path / "cache", [3], progress=False)
    assert (done.records, done.rejections, done.unknown, done.also) == (2, 0, (), (8, 9))
    with CacheReader(tmp_path / "cache") as reader:
        assert not {entry.key for entry in reader.entries()} & {key_of(301), key_of(302)}
        assert not {3, 8, 9} & set(reader.parent_pictures())
    stones = read_tombstones(tmp_path / "cache")
    assert stones.cover_variant(mixed)
    assert stones.cover(20, "99" * 16)


def test_what_is_told_first_stays_told_where_there_is_no_room(
    writer: Callable[..., CacheWriter], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = writer()
    fill(one)
    one.close()
    (tmp_path / "cache" / "report.html").write_text("its picture")
    (tmp_path / "cache" / "generator").mkdir()
    (tmp_path / "cache" / "generator" / "weights").write_text("that remember")
    monkeypatch.setattr(CacheWriter, "compact", _raise_full)
    with pytest.raises(CacheFull):
        forget(tmp_path / "cache", [3], fitted=True, progress=False)
    assert not (tmp_path / "cache" / "report.html").exists()
    assert not (tmp_path / "cache" / "generator").exists()
    assert read_tombstones(tmp_path / "cache").cover(3, "")


def _raise_full(_: CacheWriter) -> None:
    raise CacheFull("no room")


def test_damaged_records_go_too(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    fill(one, 64)
    one.close()
    path = tmp_path / "cache" / "variants" / "data.mdb"
    content = bytearray(path.read_bytes())
    content[content.find(image_of(41, (3, 64, 64)).numpy().tobytes()[:64]) + 9] ^= 255
    path.write_bytes(content)
    assert forget(tmp_path / "cache", [3], progress=False).records == 3
    assert verify(tmp_path / "cache", progress=False).damaged == ()


def test_it_is_refused_while_a_run_writes(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    fill(writer())
    with pytest.raises(CacheLocked, match="is being written by process"):
        forget(tmp_path / "cache", [3], progress=False)
    assert read_tombstones(tmp_path / "cache").stones == ()


def test_without_room_for_a_copy_it_can_be_run_again(
    writer: Callable[..., CacheWriter], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = writer()
    fill(one, 64)
    one.close()

    def full(**_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("genaug_data.cache.environment.tempfile.TemporaryDirectory", full)
        with pytest.raises(CacheFull, match=r"cannot be written \(no space left\).* make room for it and try again"):
            forget(tmp_path / "cache", [3], progress=False)
    assert [path.name for path in (tmp_path / "cache" / "variants").iterdir() if path.is_dir()] == []
    assert forget(tmp_path / "cache", [3], progress=False).records == 0
    after = bytes_of(tmp_path / "cache")
    assert [piece for piece in traces_of(3, 64) if piece in after] == []
    assert verify(tmp_path / "cache", progress=False).records == 14


def test_what_a_killed_one_has_left_goes_too(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    one = writer()
    fill(one, 64)
    one.close()
    (folder / "variants" / "compact-killed").mkdir()
    (folder / "variants" / "compact-killed" / "data.mdb").write_bytes((folder / "variants" / "data.mdb").read_bytes())
    forget(folder, [3], progress=False)
    after = bytes_of(folder)
    assert [piece for piece in traces_of(3, 64) if piece in after] == []


def test_fitted_weights_are_named_and_deleted_on_demand(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    one = writer()
    fill(one)
    one.close()
    for name in ("generator", "snapshots"):
        (folder / name).mkdir()
    (folder / "generator" / "features-ab.safetensors").write_bytes(b"weights")
    (folder / "report.html").write_text("pictures")
    done = forget(folder, [3], progress=False)
    assert (done.fitted, done.fitted_deleted) == ((folder / "generator",), False)
    assert done.pages == (folder / "report.html",)
    assert not (folder / "report.html").exists()
    assert (folder / "generator" / "features-ab.safetensors").exists()
    assert forget(folder, [3], fitted=True, progress=False).fitted_deleted
    assert not (folder / "generator").exists()


@pytest.mark.parametrize("indices", [[], [-1], [True], [1.5], [1 << 63]])
def test_what_is_no_index_is_said(writer: Callable[..., CacheWriter], tmp_path: Path, indices: list) -> None:
    writer().close()
    with pytest.raises(ConfigError, match="index"):
        forget(tmp_path / "cache", indices, progress=False)


def test_there_must_be_a_cache(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="there is no cache in"):
        forget(tmp_path / "nothing", [1], progress=False)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2, "forgotten": []}',
        '{"format": 1, "forgotten": [{"index": 1}]}',
        "[" * 100_000,
        json.dumps({"format": 1, "forgotten": [{"index": 1, "parent_hash": "zz", "forgotten": 1}]}),
    ],
)
def test_unreadable_tombstones_are_no_empty_ones(tmp_path: Path, content: str) -> None:
    (tmp_path / "forgotten.json").write_text(content)
    with pytest.raises(CacheError, match="restore it from a backup"):
        read_tombstones(tmp_path)


def test_a_small_file_among_thousands_of_records_leaves_nothing(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    one = writer()
    records = [
        (key_of(number), Sample(image_of(number, (1, 8, 8)), number % 3), made_of(number % 8)) for number in range(800)
    ]
    for start in range(0, 800, 100):
        one.put(records[start : start + 100])
    one.close()
    assert forget(tmp_path / "cache", [3], progress=False).records == 100
    after = bytes_of(tmp_path / "cache")
    pieces = [
        sample.image.numpy().tobytes()[start : start + 16]
        for _, sample, found in records
        if found.parent == 3
        for start in range(0, 64, 16)
    ]
    assert [piece for piece in pieces if piece in after] == []
    assert torch.equal(image_of(4, (1, 8, 8)), records[4][1].image)
    assert image_of(4, (1, 8, 8)).numpy().tobytes() in after
