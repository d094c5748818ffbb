"""Images with ``metadata.jsonl``, as the imagefolder builder of Hugging Face datasets reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import torch

from genaug_data.cache.exchange.annotation import to_plain
from genaug_data.cache.exchange.layouts.base import Item, Layout


class HuggingFaceLayout(Layout):
    """``images/KEY.png``, ``masks/KEY.png``, and columns in ``metadata.jsonl``."""

    def __init__(self, folder: Path, classes: Sequence[str] = ()) -> None:
        super().__init__(folder, classes)
        self._columns: TextIO | None = None

    def place(self, item: Item) -> tuple[str, str | None]:
        """Return where its image and its mask go."""
        return f"images/{item.key}.png", None if item.mask is None else f"masks/{item.key}.png"

    def write(self, item: Item, line: str) -> None:
        """Write a variant and its columns."""
        super().write(item, line)
        if self._columns is None:
            self._columns = (self.folder / "metadata.jsonl").open("w")
        self._columns.write(json.dumps(self._row(item)) + "\n")

    def close(self) -> None:
        """Close the columns."""
        if self._columns is not None:
            self._columns.close()

    def _row(self, item: Item) -> dict[str, Any]:
        (file, mask_file), target, made = self.place(item), item.sample.target, item.made
        row: dict[str, Any] = {"file_name": file}
        if mask_file is not None:
            row["mask_file_name"] = mask_file
        if item.label is not None:
            row |= {"label": item.label, "class": self.class_name(item.label)}
        if isinstance(target, torch.Tensor) and item.label is not None:
            row["soft_label"] = target.tolist()
        elif isinstance(target, str):
            row["caption"] = target
        elif item.label is None and mask_file is None:
            row["annotation"] = json.dumps(to_plain(target))
        return row | {
            "key": item.key,
            "parent": made.parent,
            "seed": made.seed,
            "prompt": made.prompt,
            "model": made.origin.get("model", made.fingerprint),
            "hardness": made.hardness,
            "provenance": made.to_json(),
        }
