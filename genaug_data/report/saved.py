"""What a saved state says of the hardest examples and of suspects, for a run that has left no history."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from genaug_data.hardness import HardnessTable, resolve_policy
from genaug_data.recording import class_counts, hardest_of
from genaug_data.targeting import Targeting
from genaug_data.tensor_file import DamagedFile, read_tensors

_NAME = "genaug.safetensors"
_SUSPECTS = 48


def summary_of_saved(folder: Path) -> dict[str, Any]:
    """Return what ``train.save()`` left in a folder or right below it, as a history's summary; {} where it did not.

    Example:
        >>> summary_of_saved(Path("no/such/folder"))
        {}
    """
    try:
        places = [folder / _NAME, *sorted(path / _NAME for path in folder.iterdir() if path.is_dir())]
        files = [path for path in places if path.is_file() and not path.is_symlink()]
        found = read_tensors(files[0]) if files else None
        if found is None:
            return {}
        tensors = {name: tensor.numpy() for name, tensor in found[0].items()}
        columns = {name.removeprefix("table."): column for name, column in tensors.items() if name.startswith("table.")}
        table = HardnessTable(len(columns["label"]))
        table.load_state_dict(columns)
        suspects = Targeting(resolve_policy("uniform")).suspects(table)[:_SUSPECTS]
        priorities = tensors.get("priorities")
        return {
            "hardest": [] if priorities is None else hardest_of(priorities, table.label, table.loss_ema),
            "suspects": [asdict(suspect) for suspect in suspects],
            "real per class": class_counts(table.label),
            "stats": dict(found[1].get("counts", {})),
        }
    except (DamagedFile, OSError, KeyError, ValueError, TypeError, IndexError):
        return {}
