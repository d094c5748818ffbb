"""A cache folder from a stranger: an error in a sentence, or ignored; nothing runs, nothing outside of it changes."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import lmdb
import pytest
import torch
import xxhash

from genaug_data.cache import CacheReader, CacheWriter, check_folder, read_manifest, verify
from genaug_data.errors import CacheError, GenaugWarning
from genaug_data.generators import InDomainDiffusion, check_variants
from genaug_data.sample import Recipe, Request, Sample
from tests.fuzz.mutations import MADE, image_of
from tests.toys import toy_samples

KEY = b"k" * 16
SAMPLE = Sample(image_of((1, 4, 5)), 3)


def cases(names: Iterable[str]) -> list:
    """Return the parameters of a test, each under its own name."""
    return [pytest.param(name, id=name) for name in names]


def write_to(folder: Path) -> None:
    with CacheWriter(folder, fingerprint="f", identity="g on s", max_bytes=1 << 20) as writer:
        writer.put([(KEY, SAMPLE, MADE)])


def survives(folder: Path) -> None:
    """Read and write as a run would: whatever a stranger left, there is nothing but a CacheError."""
    with suppress(CacheError):
        read_manifest(folder)
    with suppress(CacheError):
        check_folder(folder, "g on s", "f")
    with suppress(CacheError):
        verify(folder, progress=False)
    with suppress(CacheError):
        write_to(folder)
    with CacheReader(folder) as reader:
        with warnings.catch_warnings():
            # It says why nothing can be read, once.
            warnings.filterwarnings("ignore", ".* cannot read the cache in ", GenaugWarning)
            reader.gather([KEY])
        reader.provenance(KEY)
        reader.entries()
        list(reader.rejections())
        reader.judged_by()
        reader.stats()
        reader.damage()


GOOD = {"format": 1, "identity": "g on s", "fingerprint": "f", "created": 0.0}
MANIFESTS = {
    "empty": b"",
    "null": b"null",
    "list": b"[1, 2, 3, 4]",
    "deep": b"[" * 200_000,
    "deep inside": json.dumps(GOOD).encode()[:-1] + b', "x": ' + b'{"a":' * 200_000,
    "large": b'{"format": 1, "identity": "' + b"a" * 30_000_000 + b'"}',
    "digits": b'{"format": ' + b"9" * 50_000 + b"}",
    "not text": b"\xff\xfe\x00\x80" * 50,
    "more": json.dumps(GOOD | {"__class__": "os.system"}).encode(),
    "less": b'{"format": 1}',
    "identity of another type": json.dumps(GOOD | {"identity": 3}).encode(),
    "fingerprint of another type": json.dumps(GOOD | {"fingerprint": ["f"]}).encode(),
    "created of another type": json.dumps(GOOD | {"created": {"x": []}}).encode(),
    "format of another type": json.dumps(GOOD | {"format": True}).encode(),
    "format that is no number": b'{"format": NaN, "identity": "g on s", "fingerprint": "f", "created": 0}',
}


@pytest.mark.parametrize("name", cases(MANIFESTS))
def test_odd_manifests_are_an_error_in_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "genaug.json").write_bytes(MANIFESTS[name])
    survives(tmp_path)
    assert (tmp_path / "genaug.json").read_bytes() == MANIFESTS[name]


HOLDERS = {
    "noise": b"\x00\xff garbage",
    "deep": b"[" * 4096,
    "list": b"[1]",
    "lines": b'{"pid": "1\\n2", "host": ["x"], "since": null}',
}


@pytest.mark.parametrize("name", HOLDERS)
def test_garbage_in_the_lock_does_no_harm(tmp_path: Path, name: str) -> None:
    (tmp_path / "writer.lock").write_bytes(HOLDERS[name])
    write_to(tmp_path)
    assert CacheReader(tmp_path).gather([KEY])[0] is not None


_HOLDS = """
import fcntl, sys
lock = open(sys.argv[1], "r+b")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("name", cases(HOLDERS))
def test_garbage_in_a_lock_that_is_held_is_a_refusal(tmp_path: Path, name: str) -> None:
    (tmp_path / "writer.lock").write_bytes(HOLDERS[name])
    program = [sys.executable, "-c", _HOLDS, str(tmp_path / "writer.lock")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(CacheError, match="is being written by") as caught:
            write_to(tmp_path)
        assert "\n" not in str(caught.value)
        holder.communicate()


LINKS = ["writer.lock", "genaug.json", "variants", "variants/data.mdb", "variants/lock.mdb"]
TARGETS = ["file", "empty", "folder", "new"]


@pytest.mark.parametrize("case", cases(f"{link}-{target}" for link in LINKS for target in TARGETS))
def test_links_lead_to_nothing_outside(tmp_path: Path, case: str) -> None:
    link, _, target = case.partition("-")
    folder, outside = tmp_path / "cache", tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "file").write_bytes(b"precious")
    (outside / "empty").write_bytes(b"")
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(outside / target)
    survives(folder)
    assert (outside / "file").read_bytes() == b"precious"
    assert (outside / "empty").read_bytes() == b""
    assert sorted(path.name for path in outside.rglob("*")) == ["empty", "file", "folder"]


PLACES = ["writer.lock", "genaug.json", "variants/data.mdb", "variants/lock.mdb"]


@pytest.mark.parametrize("case", cases(f"{kind}-{place}" for kind in ("pipe", "folder") for place in PLACES))
def test_pipes_and_folders_in_place_of_files_hold_nobody_up(tmp_path: Path, case: str) -> None:
    kind, _, place = case.partition("-")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / place) if kind == "pipe" else (tmp_path / place).mkdir()
    survives(tmp_path)


def put_raw(folder: Path, database: str, rows: dict[bytes, bytes]) -> None:
    with lmdb.open(str(folder / "variants"), max_dbs=5, map_size=1 << 20) as environment:
        opened = environment.open_db(database.encode())
        with environment.begin(write=True, db=opened) as transaction:
            for key, value in rows.items():
                transaction.put(key, value)


ROWS = {
    "index row too short": ("index", {KEY: b"abc"}),
    "index row too long": ("index", {KEY: bytes(100)}),
    "index of nothing": ("index", {b"x": bytes(28)}),
    "vast size": ("index", {KEY: struct.pack("<qiqQ", 0, 0, 2**62, 0)}),
    "negative size": ("index", {KEY: struct.pack("<qiqQ", -5, -5, -(2**62), 2**63)}),
    "totals too short": ("totals", {b"totals": b"abc"}),
    "totals vast": ("totals", {b"totals": struct.pack("<qQ", 2**63 - 1, 2**64 - 1)}),
    "totals negative": ("totals", {b"totals": struct.pack("<qQ", -(2**63), 0)}),
    "judges": ("totals", {b"judges": b"\xff\xfe"}),
    "order of nothing": ("order", {bytes(8): b"nobody", b"x": b"", b"\xff" * 20: KEY}),
    "rejection without checksum": ("rejected", {b"r" * 16: b"abc"}),
    "rejection of nonsense": ("rejected", {b"r" * 16: xxhash.xxh3_64_digest(b"[]") + b"[]"}),
    "rejection of depth": ("rejected", {b"r" * 16: xxhash.xxh3_64_digest(b"[" * 60_000) + b"[" * 60_000}),
    "rejection that is no text": ("rejected", {b"r" * 16: xxhash.xxh3_64_digest(b"\xff") + b"\xff"}),
    "record of nothing": ("records", {KEY: b""}),
}


@pytest.mark.parametrize("name", cases(ROWS))
def test_rows_that_nobody_here_wrote_are_survived(tmp_path: Path, name: str) -> None:
    write_to(tmp_path)
    put_raw(tmp_path, *ROWS[name])
    survives(tmp_path)


class Canary:
    """Says that it was unpickled by making a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> tuple:
        return open, (self.mark, "w")


def tiny() -> InDomainDiffusion:
    return InDomainDiffusion(max_steps=1, batch_size=2, channels=(8,), device="cpu")


def fit(folder: Path) -> InDomainDiffusion:
    generator = tiny()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GenaugWarning)
        generator.fit(toy_samples(4), folder, progress=False)
    return generator


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a finished fit, by their place in the folder."""
    folder = tmp_path_factory.mktemp("sound")
    fit(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lay(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


RECORDS_OF_FITS = {
    "deep": b"[" * 200_000,
    "list": b"[]",
    "not text": b"\xff\xfe",
    "pickle": pickle.dumps({"weights": 1}),
    "infinite": b'{"classes": [Infinity]}',
}
CHANGES: dict[str, object] = {
    "kind": "evil", "classes": [1.5], "image_channels": 10**9, "size": [10**9, 10**9], "channels": [8 * 10**6],
    "losses": [[1, None]], "steps": "many", "weights": 3, "format": [],
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDS_OF_FITS)
def test_a_record_of_a_fit_that_is_none_is_fitted_anew(tmp_path: Path, sound: dict[str, bytes], name: str) -> None:
    lay(tmp_path, {file: RECORDS_OF_FITS[name] if file.endswith(".json") else data for file, data in sound.items()})
    with pytest.warns(GenaugWarning, match="is damaged and is fitted anew"):
        tiny().fit(toy_samples(4), tmp_path, progress=False)


@pytest.mark.parametrize("name", CHANGES)
def test_a_record_of_a_fit_that_lies_is_fitted_anew(tmp_path: Path, sound: dict[str, bytes], name: str) -> None:
    changed = {}
    for file, data in sound.items():
        if file.endswith(".json"):
            data = json.dumps(json.loads(data) | {name: CHANGES[name]}).encode()
        changed[file] = data
    lay(tmp_path, changed)
    fitted = fit(tmp_path)
    expected = json.loads(next(data for file, data in sound.items() if file.endswith(".json")))
    assert json.loads(json.dumps(asdict(fitted.record)))[name] == expected[name]
    assert check_variants(toy_samples(1), fitted.generate(toy_samples(1), [Request(0, 0, Recipe(), 1)])) is None


def test_nothing_in_the_folder_of_a_generator_is_ever_run(tmp_path: Path, sound: dict[str, bytes]) -> None:
    mark = tmp_path / "mark"
    bomb = pickle.dumps(Canary(mark))
    (place,) = {name.rpartition("/")[0] for name in sound}
    names = ["model.pt", "model.pkl", "__init__.py", "conftest.py", "x/y.bin", f"{place}/progress.safetensors"]
    for hostile in (dict.fromkeys(sound, bomb), {}):
        folder = tmp_path / f"fit{len(hostile)}"
        lay(folder, dict(sound) | hostile | dict.fromkeys(names, bomb))
        fit(folder)
        assert all((folder / name).read_bytes() == bomb for name in names[:-1])
    torch.save({"x": Canary(mark)}, tmp_path / "fit0" / place / "model.safetensors")
    fit(tmp_path / "fit0")
    assert not mark.exists()
    pickle.loads(bomb).close()
    assert mark.exists()
