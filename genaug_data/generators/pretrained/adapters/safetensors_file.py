"""Files of weights that were made elsewhere: safetensors alone, as a pickle could run code."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from genaug_data.errors import GeneratorError

_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def find_weights(path: Path, name: str) -> Path:
    """Return the file of weights at ``path``: itself, or in a folder the one with this name, or the only one there.

    Raises:
        GeneratorError: there is none, or only a pickled one.
    """
    if path.is_dir():
        found = sorted(path.glob("*.safetensors"))
        named = [file for file in found if file.name == name] or (found if len(found) == 1 else [])
        if named:
            return named[0]
        pickled = [file for file in sorted(path.iterdir()) if file.suffix in _PICKLED]
        if found or not pickled:
            raise GeneratorError(
                f"{path} holds {len(found)} safetensors files and no {name}; pass the path of the file itself"
            )
        path = pickled[0]
    if not path.is_file():
        raise GeneratorError(f"there is no file {path}; pass the path of a safetensors file on this machine")
    if path.suffix in _PICKLED:
        raise GeneratorError(f"{path} is pickled, which could run code; convert it to safetensors where you trust it")
    return path


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        GeneratorError: it is none.
    """
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise GeneratorError(f"{file} is no safetensors file ({error}); download it again") from error
