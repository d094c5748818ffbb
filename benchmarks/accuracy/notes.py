"""What runs have found so far, on disk, so that a comparison that is cut off goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def folder_of_notes(keep: Path | None, scratch: str, *, quick: bool) -> Path:
    """Return the folder of the notes, which is there then; a tiny run has its own, so that nobody takes it for real."""
    folder = (keep or Path(scratch)) / ("quick" if quick else "")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read_notes(path: Path) -> dict[str, Any]:
    """Return what was written to ``path``; nothing where there is no file."""
    return json.loads(path.read_text()) if path.exists() else {}


def write_notes(path: Path, known: Mapping[str, Any]) -> None:
    """Write ``known`` at once: whoever is killed meanwhile leaves the notes as they were."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(known, indent=1))
    unfinished.replace(path)
