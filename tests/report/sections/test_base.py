from __future__ import annotations

from pathlib import Path

from genaug_data.report.blocks import Block, Text
from genaug_data.report.run import Run, read_run
from genaug_data.report.sections import SECTIONS, Missing, Section
from tests.report.runs import fill


class Odd(Section):
    name, title = "odd", "Odd"

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def blocks(self, run: Run) -> list[Block]:
        if self._error is not None:
            raise self._error
        return [Text("found")]


def test_a_section_never_raises(tmp_path: Path) -> None:
    fill(tmp_path, variants=3, rejected=0)
    run = read_run(tmp_path)
    assert Odd().build(run).blocks == [Text("found")]
    assert Odd(Missing("It is not known.")).build(run).missing == "It is not known."
    built = Odd(ZeroDivisionError("by zero")).build(run)
    assert built.missing.startswith("This could not be shown: ZeroDivisionError: by zero")
    assert built.blocks == ()


def test_every_section_has_an_anchor_of_its_own() -> None:
    names = [section.name for section in SECTIONS]
    assert len(set(names)) == len(names)
    assert all(name.isalpha() for name in names)
    assert all(section.title for section in SECTIONS)
