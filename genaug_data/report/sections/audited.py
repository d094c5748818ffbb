"""What ``genaug audit`` has left in the folder."""

from __future__ import annotations

import json
from pathlib import Path

from markupsafe import Markup

from genaug_data.report.blocks import Block, Chart, Text
from genaug_data.report.pictures import data_uri

_PICTURES = {
    "copies.png": "Copies of protected images that the audit found",
    "nearest.png": "The nearest pairs of the audit, none of them a copy",
    "memorised.png": "Copies of training images that the audit found",
}
_LARGEST = 3_000_000


def audit_blocks(folder: Path) -> list[Block]:
    """Return the counts and pictures of the last audit of a cache; nothing where there was none.

    Args:
        folder: of the cache; ``audit/audit.json`` in it is looked for.
    """
    place = folder / "audit"
    try:
        found = json.loads((place / "audit.json").read_text())
        copies, memorised = len(found["copies"]), len(found["memorised"])
        told = (
            f"An audit compared {found['images']:,} variants with the protected sets: {copies:,} count as copies, "
            f"{found['expected_by_mistake']:.1f} would by mistake."
        )
    except (OSError, ValueError, KeyError, TypeError):
        return []
    if found.get("authentic") is not None:
        told += f" {memorised:,} repeat a training image."
    blocks: list[Block] = [Text(told, is_warning=copies > 0)]
    for name, title in _PICTURES.items():
        file = place / name
        if file.is_file() and file.stat().st_size <= _LARGEST:
            image = Markup('<img src="{}" alt="{}" style="max-width:100%">').format(data_uri(file.read_bytes()), title)
            blocks.append(Chart(title, image))
    return blocks
