"""Folders that are not ours are refused and left alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.cache import CacheWriter, check_folder, read_manifest
from genaug_data.errors import CacheError
from tests.cache.records import key_of, record


def test_folders_that_are_not_ours_are_refused(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(CacheError, match=r"is no cache, it holds 'thesis.tex'; pass an empty folder"):
        writer()
    assert os.listdir(folder) == ["thesis.tex"]
    with pytest.raises(CacheError, match="must be a folder, got the file"):
        read_manifest(folder / "thesis.tex")


def test_folders_of_others_are_refused(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    one.put([record(1)])
    one.close()
    folder = tmp_path / "cache"
    with pytest.raises(CacheError, match="belongs to another training set: it holds variants of 'i'"):
        writer(identity="other")
    with pytest.raises(CacheError, match="belongs to another fit of the generator: it holds variants of 'f'"):
        writer(fingerprint="other")
    check_folder(folder, "i")
    assert writer().status(key_of(1)) == "accepted"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{", "cannot be read"), ("[]", "cannot be read"), ('{"format": 9}', "cannot be read"),
     ('{"format": 9, "identity": "i", "fingerprint": "f", "created": 0}', "has cache format 9, this version reads 3")],
)  # fmt: skip
def test_manifests_that_are_not_ours_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "genaug.json").write_text(text)
    with pytest.raises(CacheError, match=sentence):
        read_manifest(tmp_path)
