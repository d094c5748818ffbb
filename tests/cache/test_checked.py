from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from genaug_data.cache import checked
from genaug_data.cache.checked import Checked

KEYS = [b"a", b"b", b"c"]


@pytest.fixture
def seen(tmp_path: Path) -> Checked:
    (tmp_path / "data.mdb").write_bytes(b"records")
    seen = Checked(tmp_path / "data.mdb")
    seen.look(commit=1)
    seen.add(KEYS, np.array([True, True, False]))
    return seen


def change(path: Path) -> None:
    stat = os.stat(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))


def test_only_sound_records_are_covered(seen: Checked) -> None:
    seen.look(commit=1)
    assert seen.covers(KEYS[:2])
    assert not seen.covers(KEYS)
    assert not seen.covers([b"d"])


def test_a_commit_keeps_what_was_found(seen: Checked, tmp_path: Path) -> None:
    change(tmp_path / "data.mdb")
    seen.look(commit=2)
    assert seen.covers(KEYS[:2])


def test_a_change_that_is_no_commit_forgets_it(seen: Checked, tmp_path: Path) -> None:
    change(tmp_path / "data.mdb")
    seen.look(commit=1)
    assert not seen.covers(KEYS[:1])


def test_nothing_is_believed_for_longer_than_ten_minutes(seen: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 599)
    seen.look(commit=1)
    assert seen.covers(KEYS[:1])
    monkeypatch.setattr(time, "monotonic", lambda: now + 601)
    seen.look(commit=1)
    assert not seen.covers(KEYS[:1])


def test_memory_is_bounded(seen: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "_MOST", 10)
    seen.add([bytes([number]) for number in range(20)], np.ones(20, dtype=bool))
    seen.look(commit=1)
    assert not seen.covers(KEYS[:1])
