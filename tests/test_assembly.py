"""Warming up, and whose folder it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from genaug_data.errors import CacheError, GenaugError
from tests.toys import Noisy, toy_base


def test_warm_up_makes_only_what_is_missing(wrap: Callable) -> None:
    first = wrap()
    assert first.warmup(2)["accepted"] == 48
    first.close()
    second = wrap()
    counts = second.warmup(3)
    assert counts["found"] == 48
    assert counts["accepted"] == 24
    assert second.stats()["cached"] == 72


def test_folders_of_others_are_refused_and_left_alone(wrap: Callable, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(CacheError):
        wrap(cache=tmp_path / "photos")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["holiday.jpg"]
    first = wrap()
    first.warmup()
    first.close()
    with pytest.raises(CacheError):
        wrap(generator=Noisy("another"))
    with pytest.raises(CacheError):
        wrap(toy_base(23))
    assert wrap().warmup()["found"] == 24


def test_a_second_writer_is_refused_by_the_name_of_the_first(wrap: Callable, tmp_path: Path) -> None:
    first = wrap()
    first.warmup()
    second = wrap()
    with pytest.raises(GenaugError, match=str(os.getpid())):
        second.warmup()
    assert first.warmup()["found"] >= 24
