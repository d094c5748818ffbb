"""``genaug report FOLDER``: what a run made, rejected and cost, as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from genaug_data.cache import CacheReader
from genaug_data.cli.configured import dataset_of, dataset_parser
from genaug_data.cli.parsing import new_parser, parse
from genaug_data.report import write_report


def run(arguments: Sequence[str]) -> int:
    """Write the report of a run and print where it is.

    Args:
        arguments: of the command line, after ``genaug report``.
    """
    plain = new_parser("report", __doc__)
    plain.add_argument("folder", type=Path, help="of the run's cache")
    plain.add_argument("--out", type=Path | None, default=None, help="file to write; left out, report.html in FOLDER")
    plain.add_argument(
        "--config",
        type=Path | None,
        default=None,
        help="as genaug warmup takes it, for the images of all real examples",
    )
    found = parse(plain, arguments)
    if found.config is None:
        print(write_report(found.folder, found.out))
        with CacheReader(found.folder) as reader:
            # The page tells what else the folder holds.
            reader.check_readable()
        return 0
    parser = dataset_parser("report", __doc__)
    # Nothing is started: of the configured dataset, only the real examples are read.
    configured = parse(parser, ["--config", str(found.config), "--cache", str(found.folder)])
    with closing(dataset_of(parser, configured)) as train:
        print(train.report(found.out))
    return 0
