"""One variant is found by the first digits of its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from genaug_data.cache import CacheWriter, trace
from genaug_data.errors import CacheError, ConfigError
from tests.cache.records import key_of, made, record


def test_accepted_and_rejected_variants_are_traced(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    one.put([record(number) for number in range(1, 4)])
    one.reject([(b"\xab" * 16, made(9))])
    found = trace(tmp_path / "cache", key_of(2).hex())
    assert (found.key, found.status, found.made, found.annotation) == (key_of(2), "accepted", made(2), "class 2")
    found = trace(tmp_path / "cache", "AB")
    assert (found.key, found.status, found.made, found.annotation) == (b"\xab" * 16, "rejected", made(9), "")
    assert found.to_plain()["verdicts"][0]["gate"] == "validity"


@pytest.mark.parametrize(
    ("prefix", "error", "sentence"),
    [
        ("00", ConfigError, "3 keys begin with '00'"),
        ("xyz", ConfigError, "hexadecimal digits, got 'xyz'"),
        ("", ConfigError, "hexadecimal digits, got ''"),
        ("ff", CacheError, "no key in .* begins with 'ff'"),
    ],
)
def test_what_is_no_key_is_said(
    writer: Callable[..., CacheWriter], tmp_path: Path, prefix: str, error: type, sentence: str
) -> None:
    writer().put([record(number) for number in range(1, 4)])
    with pytest.raises(error, match=sentence):
        trace(tmp_path / "cache", prefix)


def test_there_must_be_a_cache(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="there is no cache in"):
        trace(tmp_path / "nothing", "00")


def test_a_variant_names_all_of_its_parents() -> None:
    assert made(4).parents == (4,)
    assert replace(made(4), origin={"parents": "4, 17,2,x,-1"}).parents == (4, 17, 2)
