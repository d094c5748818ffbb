from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.cache import CacheReader
from genaug_data.cli import main
from tests.cache.exchange.variants import cache_of, of_classes

CONFIG = """
base: {{class_path: tests.toys.ToyDataset, init_args: {{count: 6}}}}
generator: {{class_path: tests.toys.Noisy}}
cache: {folder}
worker: inline
progress: false
"""


@pytest.mark.parametrize("option", ["--max-bytes=2500", "--max_bytes=2500"])
def test_a_bound_is_spelled_alike_in_every_command(tmp_path: Path, option: str) -> None:
    folder, config = tmp_path / "warm", tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=folder))
    assert main(["warmup", "--config", str(config), option]) == 0
    pruned = cache_of(tmp_path / "pruned", of_classes(*range(9)))
    assert main(["cache", "prune", str(pruned), "--progress=false", option]) == 0
    for one in (folder, pruned):
        with CacheReader(one) as reader:
            assert 0 < reader.stats().bytes <= 2500


def test_what_is_no_option_is_said_as_it_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "prune", "x", "--max-bits_many=1"]) == 1
    assert "--max-bits_many" in capsys.readouterr().err
