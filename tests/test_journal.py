"""What a journal keeps of a run, whatever happens to the run or to the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genaug_data.errors import DataError
from genaug_data.journal import JournalWriter, varint
from genaug_data.journal_reading import read_journal
from genaug_data.replay import ReplaySampler
from genaug_data.sample import Token
from tests.journals import SETTINGS


def test_a_killed_run_loses_the_last_draws_at_most(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, SETTINGS | {"size": 1000}, pytest.fail)
    writer.begin_pass(0, 0)
    for number in range(150):
        writer.draw(Token(number, number.to_bytes(16, "big")))
    # As after SIGKILL: nothing is flushed or closed.
    journal = read_journal(tmp_path / writer.name)
    assert len(journal.variants) == 128
    content = (tmp_path / writer.name).read_bytes()
    for cut in range(len(content)):
        (tmp_path / "cut").write_bytes(content[:cut])
        try:
            found = read_journal(tmp_path / "cut")
        except DataError:
            assert cut < 150
            continue
        assert not found.damage
        assert found.variants == journal.variants[: len(found.variants)]
    writer.close()


def test_damage_ends_what_can_be_replayed_and_is_said(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, SETTINGS | {"size": 1000}, pytest.fail)
    writer.begin_pass(0, 0)
    for number in range(200):
        writer.draw(Token(number, number.to_bytes(16, "big")))
    writer.close()
    path = tmp_path / writer.name
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    journal = read_journal(path)
    assert journal.damage.startswith("it is damaged at byte ")
    assert len(journal.variants) == 64
    assert len(ReplaySampler(journal)) == 128


def test_only_the_newest_journals_are_kept(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"20250101-0000{number:02}-1-0.journal").write_bytes(b"GAJ1")
    (tmp_path / "notes.txt").write_text("mine")
    writer = JournalWriter(tmp_path, SETTINGS, pytest.fail)
    writer.begin_pass(0, 0)
    writer.close()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [f"20250101-0000{number:02}-1-0.journal" for number in range(5, 12)] + [writer.name, "notes.txt"]


@given(st.integers(0, 2**32 - 1))
def test_varints_are_those_of_protocol_buffers(number: int) -> None:
    written = varint(number)
    assert sum((byte & 127) << (7 * place) for place, byte in enumerate(written)) == number
    assert [byte >> 7 for byte in written] == [1] * (len(written) - 1) + [0]


def test_a_long_run_keeps_few_keys_in_mind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genaug_data.journal._MOST_KNOWN", 100)
    writer = JournalWriter(tmp_path, SETTINGS | {"size": 5000}, pytest.fail)
    tokens = [Token(number % 400, (number % 400).to_bytes(16, "big")) for number in range(2000)]
    writer.begin_pass(0, 0)
    for token in tokens:
        writer.draw(token)
        assert len(writer._known) <= 100 + 64
    writer.close()
    replay = ReplaySampler(read_journal(tmp_path / writer.name))
    assert [token for token in replay if token.key is not None] == tokens


def test_two_journals_of_one_second_are_two_files(tmp_path: Path) -> None:
    writers = [JournalWriter(tmp_path, SETTINGS | {"seed": seed}, pytest.fail) for seed in (1, 2)]
    for writer in writers:
        writer.begin_pass(0, 0)
    for seed, writer in enumerate(writers, start=1):
        writer.close()
        assert read_journal(tmp_path / writer.name).settings["seed"] == seed
