"""``genaug cache export FOLDER --to FORMAT --out DIR``: variants as files that other programs read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import export, manifest_of
from genaug_data.cli.cache.base import Command, add_folder, add_progress
from genaug_data.history import FOLDER, read_history


def _add_arguments(parser: ArgumentParser) -> None:
    add_folder(parser)
    parser.add_argument(
        "--to", type=Literal["imagefolder", "webdataset", "coco", "hf"], default="imagefolder", help="format"
    )
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    parser.add_argument(
        "--classes", type=str, nargs="+", default=[], help="their names; left out, those that the run has noted"
    )
    add_progress(parser)


def _run(chosen: Namespace) -> int:
    manifest_of(chosen.folder)
    classes = chosen.classes or _noted(chosen.folder)
    done = export(chosen.folder, chosen.out, to=chosen.to, classes=classes, progress=chosen.progress)
    print(f"{done.records} variants written to {chosen.out}")
    for key in done.damaged:
        print(f"  damaged, left out: {key.hex()}")
    return 1 if done.damaged else 0


def _noted(folder: Path) -> list[str]:
    history = read_history(folder / FOLDER)
    told = [] if history is None else history.settings.get("classes", [])
    return [str(name) for name in told] if isinstance(told, Sequence) and not isinstance(told, str) else []


EXPORT = Command(
    "export",
    "write variants as PNG files with manifest and dataset card; the exit status is 1 if some could not be read",
    _run,
    _add_arguments,
)
