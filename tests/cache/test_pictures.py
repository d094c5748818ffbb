from __future__ import annotations

from pathlib import Path

import lmdb
import pytest
import torch

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.cache.thumbnail import is_thumbnail, thumbnail
from genaug_data.sample import Provenance, Recipe, Sample, Verdict


def plain(value: int) -> Sample:
    return Sample(torch.full((1, 8, 8), value % 256, dtype=torch.uint8), 0)


def made(parent: int, gate: str = "leak", reason: str = "a copy") -> Provenance:
    return Provenance(parent, "", 0, "f", Recipe(), 0, (Verdict(gate, 0.0, False, reason),), 0.0)


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.fixture
def writer(tmp_path: Path) -> CacheWriter:
    with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 22) as opened:
        yield opened


def put(writer: CacheWriter, *parents: int) -> None:
    writer.put(
        [(key(parent), plain(parent), made(parent)) for parent in parents],
        {parent: plain(parent) for parent in parents},
    )


def test_parents_are_kept_once(writer: CacheWriter, tmp_path: Path) -> None:
    put(writer, 3, 200, 5)
    writer.put([(key(9), plain(9), made(3))], {3: plain(77)})
    with CacheReader(tmp_path) as reader:
        found = reader.parent_pictures()
    assert found == {parent: thumbnail(plain(parent).image) for parent in (3, 200, 5)}


def test_of_too_many_parents_the_oldest_go(
    writer: CacheWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genaug_data.cache.pictures.PARENTS", 5)
    for parent in (9, 8, 7, 6):
        put(writer, parent)
    put(writer, 1, 2, 3)
    with CacheReader(tmp_path) as reader:
        assert set(reader.parent_pictures()) == {7, 6, 1, 2, 3}


def test_each_gate_has_its_last_rejections(
    writer: CacheWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genaug_data.cache.pictures.REJECTED_OF_A_GATE", 3)
    for number in range(8):
        gate = "leak" if number % 4 else "rare"
        one = made(number, gate, f"reason {number}")
        writer.reject([(key(number), one)], [(one, plain(number), plain(100 + number) if number != 6 else None)])
    with CacheReader(tmp_path) as reader:
        found = reader.rejected_pictures()
    assert [(one.made.parent, one.made.verdicts[-1].gate) for one in found] == [
        (7, "leak"),
        (6, "leak"),
        (5, "leak"),
        (4, "rare"),
        (0, "rare"),
    ]
    assert found[0].parent == thumbnail(plain(7).image)
    assert found[0].child == thumbnail(plain(107).image)
    assert found[1].child == b""
    assert found[1].made == made(6, "leak", "reason 6")


def test_of_one_batch_a_gate_has_only_so_many(writer: CacheWriter, tmp_path: Path) -> None:
    batch = [made(number) for number in range(20)]
    writer.reject([], [(one, plain(1), plain(2)) for one in batch])
    with CacheReader(tmp_path) as reader:
        assert reader.rejected_pictures() == []
    writer.reject([(key(1), batch[0])], [(one, plain(1), plain(2)) for one in batch])
    with CacheReader(tmp_path) as reader:
        assert [one.made.parent for one in reader.rejected_pictures()] == [16, 17, 18, 19]


def test_all_gates_together_are_bounded(writer: CacheWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genaug_data.cache.pictures.REJECTED", 10)
    for number in range(30):
        one = made(number, f"gate {number}")
        writer.reject([(key(number), one)], [(one, plain(1), plain(2))])
    with CacheReader(tmp_path) as reader:
        assert [one.made.parent for one in reader.rejected_pictures()] == list(range(29, 19, -1))


def test_a_withdrawn_example_leaves_no_picture(writer: CacheWriter, tmp_path: Path) -> None:
    put(writer, 3, 4, 5)
    for parent in (3, 4):
        writer.reject([(key(50 + parent), made(parent))], [(made(parent), plain(parent), plain(100 + parent))])
    writer.forget_pictures([4, 99])
    with CacheReader(tmp_path) as reader:
        assert set(reader.parent_pictures()) == {3, 5}
        assert [one.made.parent for one in reader.rejected_pictures()] == [3]
    put(writer, 4)
    with CacheReader(tmp_path) as reader:
        assert set(reader.parent_pictures()) == {3, 4, 5}


def test_what_other_gates_rejected_is_not_shown(writer: CacheWriter, tmp_path: Path) -> None:
    put(writer, 3)
    writer.reject([(key(7), made(3))], [(made(3), plain(3), plain(4))])
    writer.set_judged_by("others")
    with CacheReader(tmp_path) as reader:
        assert reader.rejected_pictures() == []
        assert set(reader.parent_pictures()) == {3}


def test_a_cache_of_an_earlier_version_is_read_and_then_keeps_pictures(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
        put(writer, 3)
    with lmdb.open(str(tmp_path / "variants"), max_dbs=9) as old, old.begin(write=True) as transaction:
        transaction.drop(old.open_db(b"pictures", transaction))
    with CacheReader(tmp_path) as reader:
        assert reader.parent_pictures() == {}
        assert reader.rejected_pictures() == []
        assert len(reader.entries()) == 1
        # The reader has opened the file before the writer does, in this process.
        with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
            put(writer, 4)
        assert set(reader.parent_pictures()) == {4}


def test_damaged_pictures_are_left_out(writer: CacheWriter, tmp_path: Path) -> None:
    put(writer, 3, 4)
    writer.reject([(key(7), made(3))], [(made(3), plain(33), plain(44))])
    writer.close()
    with lmdb.open(str(tmp_path / "variants"), max_dbs=9) as stored, stored.begin(write=True) as transaction:
        pictures = stored.open_db(b"pictures", transaction, create=False)
        for name, value in list(transaction.cursor(db=pictures)):
            if name == b"p" + (4).to_bytes(8, "big") or name.startswith(b"r"):
                transaction.put(name, value[:-3] + b"xxx", db=pictures)
        transaction.put(b"p", b"short", db=pictures)
        transaction.put(b"o", b"", db=pictures)
        transaction.put(b"r", b"\0" * 40, db=pictures)
    with CacheReader(tmp_path) as reader:
        assert set(reader.parent_pictures()) == {3}
        assert reader.rejected_pictures() == []
    with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 20) as again:
        put(again, 8)
        again.reject([(key(9), made(3))], [(made(3), plain(33), plain(44))])
    with CacheReader(tmp_path) as reader:
        assert set(reader.parent_pictures()) == {3, 8}
        assert len(reader.rejected_pictures()) == 1


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 40, 30), (3, 500, 300), (1, 300, 1), (4, 64, 64), (2, 9, 9)])
def test_thumbnails_are_small_pictures(shape: tuple[int, ...]) -> None:
    from genaug_data.report.pictures import decoded

    image = torch.arange(shape[0] * shape[1] * shape[2]).reshape(shape).mul(37).remainder(251).byte()
    content = thumbnail(image)
    assert is_thumbnail(content)
    found = decoded(content)
    assert max(found.shape[1:]) == min(96, max(shape[1:]))
    if max(shape[1:]) <= 40:
        planes = image if shape[0] == 3 else image[:1].expand(3, -1, -1)
        assert torch.equal(found, planes)


def test_no_pixel_has_no_thumbnail() -> None:
    assert thumbnail(torch.zeros(3, 0, 8, dtype=torch.uint8)) == b""
    assert not is_thumbnail(b"<svg onload=alert(1)>")
    assert not is_thumbnail(thumbnail(torch.zeros(1, 8, 8, dtype=torch.uint8)) + bytes(1 << 17))
