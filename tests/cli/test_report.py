from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.cli import main
from tests.report.runs import fill
from tests.report.test_page import sections_of

CONFIG = """
base: {{class_path: tests.toys.ToyDataset, init_args: {{count: 6}}}}
generator: {{class_path: tests.toys.Noisy}}
cache: {folder}
worker: inline
progress: false
"""


def test_a_report_is_written_from_a_folder_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    assert main(["report", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "deep" / "page.html")]) == 0
    assert (tmp_path / "deep" / "page.html").read_text().startswith("<!doctype html>")


def test_a_configuration_gives_the_images_of_the_real_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, cache = tmp_path / "run.yaml", tmp_path / "cache"
    config.write_text(CONFIG.format(folder=cache))
    assert main(["warmup", "--config", str(config)]) == 0
    assert main(["report", str(cache), "--config", str(config)]) == 0
    found = sections_of((cache / "report.html").read_text())
    assert found["hardest"].count("<img") == 12
    # The configuration of another training set is that of another cache.
    config.write_text(CONFIG.format(folder=cache).replace("count: 6", "count: 7"))
    assert main(["report", str(cache), "--config", str(config)]) == 1
    assert "belongs to another training set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no/such/folder"], "there is no cache in no/such/folder"),
        ([], "see genaug report --help"),
        (["x", "--config", "no/such/file.yaml"], "see genaug report --help"),
    ],
)
def test_wrong_command_lines_end_with_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *arguments]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
